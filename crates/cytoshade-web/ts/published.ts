/** SHA-256 of the published models, by the names of their files; written by the test `web` of `cytoshade-model`. */
export const PUBLISHED: Readonly<Record<string, string>> = {
  "cyto3": "2dc3087a8abd7da46d1ab0ddd5824639933cc3ff63b382af3fa1939a392db93c",
  "nucleitorch_0": "89ca45e4a45048d5010d29621466b1274b91b3dcb9714dce9f9e90a9a8671303",
  "cytotorch_0": "6a852487b98a3ad91e4e86c969cac520aaac13c609288aad8bd01d4cf76370c6",
  "size_cyto3.npy": "87f91feb48019b4dfb0400e7bbb89aca5873368686815aa7b4431c0faee97fc5",
  "size_nucleitorch_0.npy": "a79107c9f284b569dd65f3a7363014d613a3403241c062822f07b6f026b4d3ef",
};
