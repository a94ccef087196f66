//! The build script's sources for browsers are the same programs.

use cytoshade_shaders::{ALL, Precision};
use naga::Module;

#[path = "../build/minify.rs"]
mod minify;

use minify::minify;

/// Everything that a compiler makes of a source, without the positions in it.
fn program(source: &str) -> Vec<String> {
    let module: Module = naga::front::wgsl::parse_str(source).unwrap();
    let functions = module.functions.iter().map(|(_, function)| function);
    let functions = functions.chain(module.entry_points.iter().map(|entry| &entry.function));
    let mut program: Vec<_> = functions
        .map(|f| format!("{:?} {:?} {:?} {:?}", f.name, f.arguments, f.local_variables, f.expressions))
        .collect();
    program.push(format!("{:?} {:?} {:?}", module.constants, module.overrides, module.global_variables));
    program.push(format!("{:?} {:?}", module.types, module.global_expressions));
    program
}

#[test]
fn a_minified_shader_is_the_same_program() {
    for shader in ALL {
        for precision in [Precision::F32, Precision::F16] {
            let source = shader.source(precision);
            let small = minify(&source);
            assert!(small.len() < source.len());
            assert_eq!(program(&small), program(&source), "{} {}", shader.name, precision.name());
        }
    }
}

/// Twin of the above.
#[test]
fn another_program_is_told_apart() {
    let source = cytoshade_shaders::MAX_POOL.source(Precision::F32);
    let other = source.replacen("max(", "min(", 1);
    assert_ne!(source, other);
    assert_ne!(program(&minify(&other)), program(&source));
}

#[test]
fn comments_and_indentation_go() {
    let source = "// What it does.\n\nfn f() {\n    let a = 6 / 2; // 3\n\n    //x\n    return a;\n}\n";
    assert_eq!(minify(source), "fn f(){\nlet a=6/2;\nreturn a;\n}\n");
}

#[test]
fn spaces_that_separate_something_stay() {
    for (line, small) in [
        ("let a = b - -c;", "let a=b- -c;"),
        ("return -a;", "return-a;"),
        ("if a < b && c > (d) {", "if a < b&&c > (d){"),
        ("var<storage, read> a: array<vec4<f32>, 3>;", "var<storage,read> a:array<vec4<f32>,3>;"),
        ("a = b / *c & &d;", "a=b/ *c& &d;"),
    ] {
        assert_eq!(minify(line), format!("{small}\n"));
    }
}

/// Block comments are left as they are: one that held `//` would lose its end.
#[test]
fn no_shader_has_block_comments() {
    for shader in ALL {
        assert!(!shader.source(Precision::F32).contains("/*"), "{}", shader.name);
    }
}
