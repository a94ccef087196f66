"""The comparison must accept renumbered masks and must detect each kind of damage. Run with: python -m unittest"""

import unittest

import numpy as np

from compare_masks import agreement, agrees
from stages.pictures import crowd, tessellation


class Comparison(unittest.TestCase):
    def setUp(self):
        self.masks = crowd()

    def test_same_cells_under_other_numbers_agree(self):
        numbers = np.random.default_rng(0).permutation(np.arange(1, self.masks.max() + 1)) * 7
        self.assertTrue(agrees(agreement(self.masks, np.concatenate([[0], numbers])[self.masks])))

    def test_empty_masks_agree(self):
        self.assertTrue(agrees(agreement(np.zeros((4, 5), int), np.zeros((4, 5), int))))

    def test_a_missing_cell_is_seen(self):
        found = agreement(self.masks, np.where(self.masks == 3, 0, self.masks))
        self.assertEqual((found["missing"], found["extra"], agrees(found)), (1, 0, False))

    def test_an_extra_cell_is_seen(self):
        found = agreement(np.where(self.masks == 3, 0, self.masks), self.masks)
        self.assertEqual((found["missing"], found["extra"], agrees(found)), (0, 1, False))

    def test_a_merged_pair_is_seen(self):
        found = agreement(self.masks, np.where(self.masks == 3, 2, self.masks))
        self.assertFalse(agrees(found))

    def test_a_shift_is_seen(self):
        self.assertFalse(agrees(agreement(self.masks, np.roll(self.masks, 3, axis=1))))

    def test_a_few_moved_pixels_in_a_small_image_are_seen(self):
        masks = tessellation((40, 40), 10)
        other = masks.copy()
        other[0, :2] = 0
        found = agreement(masks, other)
        self.assertEqual(found["missing"], 0)
        self.assertFalse(agrees(found), "2 of 1600 pixels are more than 0.1 %")

    def test_another_shape_is_an_error(self):
        with self.assertRaises(ValueError):
            agreement(self.masks, self.masks[1:])


if __name__ == "__main__":
    unittest.main()
