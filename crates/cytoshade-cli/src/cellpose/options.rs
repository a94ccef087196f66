//! The options of `python -m cellpose` (3.1.1.2, and some of earlier versions) that `segment` does not have by the same name.

/// The counterpart of an option of Cellpose.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    /// These words replace the flag.
    Words(&'static [&'static str]),
    /// An option that takes the same value.
    Option(&'static str),
    /// An option whose value is a pattern of the file names that end in the value before their extension.
    Ending(&'static str),
    /// The value is an input.
    Input,
    /// The flag changes nothing, for this reason.
    Always(#[cfg_attr(not(test), expect(dead_code, reason = "the guide states it"))] &'static str),
    /// There is no counterpart, for this reason.
    None(&'static str),
}

use Meaning::{Always, Ending, Input, None, Option, Words};

/// The zeros by which Cellpose requests a default or an estimate, and the value to pass in their place, if any.
pub(super) const ZEROS: [(&str, std::option::Option<&str>); 2] =
    [("diameter", Some("auto")), ("niter", std::option::Option::None)];

const TRAINING: &str = "Cytoshade does not train; train with Cellpose, and pass the trained file with --model";
const TRANSFORMER: &str = "Cytoshade runs the convolutional networks of Cellpose 1 to 3, no transformers";
const ONE_FOLDER: &str = "all results of an image are in one folder; --output names it";

/// The options by their name in Cellpose, in its order.
pub(super) const OPTIONS: &[(&str, Meaning)] = &[
    ("version", None("`cytoshade --version` prints the version")),
    ("verbose", Always("progress and results are always printed")),
    ("Zstack", None("Cytoshade has no graphical program")),
    ("use_gpu", Always("a GPU runs the network if one works, unless --device names another device")),
    ("gpu_device", None("adapters have no numbers; `cytoshade devices` prints the one that --device auto selects")),
    ("check_mkl", None("Cytoshade does not use MKL; `cytoshade doctor` tests the instruction sets of the CPU")),
    ("dir", Input),
    ("image_path", Input),
    ("look_one_level_down", Words(&["--recursive"])),
    ("img_filter", Ending("--filter")),
    ("pretrained_model", Option("--model")),
    ("restore_type", Option("--restore")),
    (
        "chan2_restore",
        None("one network restores both channels; restore the second channel alone with `cytoshade restore`"),
    ),
    ("add_model", None("pass the file's path with --model, or copy it to Cytoshade's folder of models")),
    ("transformer", None(TRANSFORMER)),
    ("pretrained_model_ortho", None("one network segments all three orientations of a stack")),
    ("save_png", Words(&["--save", "png"])),
    ("save_tif", Always("labels are always saved as TIFF")),
    ("output_name", None("the names of results are fixed, such as STEM_cp_masks.tif")),
    ("no_npy", Always("a _seg.npy is saved only with --save-seg")),
    ("savedir", Option("--output")),
    ("dir_above", None(ONE_FOLDER)),
    ("in_folders", None(ONE_FOLDER)),
    ("save_outlines", Words(&["--save-overlay"])),
    ("save_rois", Words(&["--save", "rois"])),
    ("save_txt", Words(&["--save", "outlines"])),
    ("save_mpl", None("--save-pictures outlines,colors,flows saves the parts of the figure")),
    ("train", None(TRAINING)),
    ("train_size", None(TRAINING)),
    ("test_dir", None(TRAINING)),
    ("file_list", None(TRAINING)),
    ("mask_filter", Ending("--exclude")),
    ("diam_mean", None(TRAINING)),
    ("learning_rate", None(TRAINING)),
    ("weight_decay", None(TRAINING)),
    ("n_epochs", None(TRAINING)),
    ("nimg_per_epoch", None(TRAINING)),
    ("nimg_test_per_epoch", None(TRAINING)),
    ("min_train_masks", None(TRAINING)),
    ("SGD", None(TRAINING)),
    ("save_every", None(TRAINING)),
    ("model_name_out", None(TRAINING)),
    // Versions before 3.
    ("mxnet_on", None("Cellpose's networks for MXNet are of another format; convert them with Cellpose")),
    ("fast_mode", Always("a single network runs, and tiles are not augmented")),
    ("net_avg", None("a single network runs; Cellpose removed the average of four in version 3")),
    ("no_net_avg", Always("a single network runs")),
    ("resample", Always("the dynamics run at the image's size unless --no-resample is set")),
    ("interp", Always("flows are interpolated unless --no-interp is set")),
];
