//! Images of the larger data open with the number of images and channels that their authors' programs read.

use cytoshade_formats::{ReadOptions, read};
use cytoshade_tests::fixtures::{NEEDS_TEST_DATA, test_data};
use cytoshade_tests::trial;
use libtest_mimic::{Arguments, Failed};

/// File, number of images, channels of each, (height, width).
const IMAGES: [(&str, usize, usize, (usize, usize)); 12] = [
    ("serialcellpose_2ch/sample_EmbryoTorax.tif", 1, 2, (512, 512)),
    ("serialcellpose_2ch/tile_0_0.tif", 1, 2, (256, 256)),
    ("qcanet_3d/8_cell_raw.tif", 51, 1, (120, 122)),
    ("qcanet_3d/8_cell_label_derived.tif", 51, 1, (120, 122)),
    ("plantseg_3d/rgb_3D_c_raw.tif", 75, 2, (75, 75)),
    ("plantseg_3d/rgb_3D_c_seg_.tif", 75, 2, (75, 75)),
    ("stardist/stardist_data_images_img3d.tif", 31, 1, (61, 57)),
    ("stardist/stardist_data_images_mask3d.tif", 31, 1, (61, 57)),
    ("stardist/tests_data_img2d.tif", 1, 1, (256, 256)),
    ("stardist/tests_data_mask2d.tif", 1, 1, (256, 256)),
    ("dsb2018/f4c4db3df4ff_img.png", 1, 3, (603, 1272)),
    ("dsb2018/20468e8779c4_label.png", 1, 1, (256, 256)),
];

fn main() {
    let missing = test_data().is_none().then_some(NEEDS_TEST_DATA);
    let trials = IMAGES.iter().map(|image| trial(image.0, missing, || open(image))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn open(&(name, count, channels, size): &(&str, usize, usize, (usize, usize))) -> Result<(), Failed> {
    let folder = test_data().ok_or("no test data")?;
    let images = read(folder.join("images").join(name), &ReadOptions::default())?;
    let found: Vec<_> = images.iter().map(|i| (i.channels(), (i.height(), i.width()))).collect();
    if found == vec![(channels, size); count] { Ok(()) } else { Err(format!("{found:?}").into()) }
}
