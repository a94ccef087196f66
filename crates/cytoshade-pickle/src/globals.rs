//! Python names in a pickle: those of plain data, and those of attacks.

/// A Python name that a pickle may contain.
#[derive(Debug, PartialEq, Eq)]
pub struct Global {
    /// Its module.
    pub module: &'static str,
    /// Its name in the module.
    pub name: &'static str,
}

/// The treatment of names that are not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Refuses the pickle.
    Refuse,
    /// Turns values made with the name into [`crate::Value::Opaque`].
    ///
    /// Names that only attacks use are still refused, to warn users who open the file in Python.
    KeepOpaque,
}

macro_rules! globals {
    ($($module:literal: $($name:literal)*;)*) => { &[$($(Global { module: $module, name: $name },)*)*] };
}
pub(crate) use globals;

/// Python's containers and numbers that opcodes do not build, or not in every protocol.
///
/// The types at the end are the default factories of a `defaultdict`.
pub const CONTAINERS: &[Global] = globals! {
    "collections": "OrderedDict" "defaultdict";
    "builtins": "set" "frozenset" "complex" "bytearray" "int" "float" "str" "bool" "list" "tuple" "dict";
    "__builtin__": "set" "frozenset" "complex" "bytearray" "int" "float" "str" "bool" "list" "tuple" "dict";
};

/// Objects that only hold a dictionary of attributes; they become dictionaries.
pub const NAMESPACES: &[Global] = globals! {
    "argparse": "Namespace";
    "types": "SimpleNamespace";
};

/// Paths, which scripts save in place of a name; they become text.
pub const PATHS: &[Global] = globals! {
    "pathlib": "PosixPath" "PurePosixPath" "WindowsPath" "PureWindowsPath";
    "pathlib._local": "PosixPath" "PurePosixPath" "WindowsPath" "PureWindowsPath";
};

/// Modules that run programs or code, or open files or connections.
///
/// The list affects only a warning: the reader never calls anything. It follows the lists of the scanners `picklescan`
/// and `fickling`.
const ATTACKS: &[&str] = &[
    "_io",
    "_pickle",
    "aiohttp",
    "asyncio",
    "bdb",
    "cPickle",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "dill",
    "doctest",
    "ftplib",
    "http",
    "httplib",
    "idlelib",
    "imp",
    "importlib",
    "io",
    "lib2to3",
    "marshal",
    "multiprocessing",
    "nt",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "posix",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "shelve",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "timeit",
    "urllib",
    "urllib2",
    "venv",
    "webbrowser",
];

/// Single names with these abilities.
const ATTACKING_NAMES: &[(&str, &[&str])] = &[
    ("builtins", BUILTINS),
    ("__builtin__", BUILTINS),
    ("numpy", &["load", "fromfile", "loadtxt", "genfromtxt"]),
    ("numpy.testing._private.utils", &["runstring"]),
    ("operator", &["attrgetter", "methodcaller"]),
    ("torch", &["load"]),
    ("torch.hub", &["load"]),
    ("torch.serialization", &["load"]),
];

const BUILTINS: &[&str] = &[
    "__import__",
    "apply",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "file",
    "getattr",
    "globals",
    "input",
    "locals",
    "open",
    "setattr",
    "vars",
];

/// Whether only attacks use a name.
pub(crate) fn is_attack(module: &[u8], name: &[u8]) -> bool {
    let names = ATTACKING_NAMES.iter().filter(|(known, _)| known.as_bytes() == module).flat_map(|(_, names)| *names);
    is_in(ATTACKS, module.split(|&byte| byte == b'.').next().unwrap_or_default())
        || names.copied().any(|known| known.as_bytes() == name)
        // A dotted name follows attributes, for instance `os.system` in `pathlib`.
        || name.contains(&b'.') && name.split(|&byte| byte == b'.').any(|part| is_in(ATTACKS, part) || is_in(BUILTINS, part))
}

fn is_in(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|known| known.as_bytes() == word)
}
