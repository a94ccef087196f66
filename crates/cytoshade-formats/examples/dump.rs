use cytoshade_formats::*;
fn main() {
    for path in std::env::args().skip(1) {
        let mut o = ReadOptions::default();
        if let Ok(l) = std::env::var("LIMITS") {
            for p in l.split(',') {
                let (a, b) = p.split_once('=').unwrap();
                o.limits.set(a, b).unwrap();
            }
        }
        if std::env::var("STACK").is_ok() {
            o.selection.pages = Pages::Stack;
        }
        let t = std::time::Instant::now();
        let name = path.rsplit('/').next().unwrap().to_string();
        match ImageFile::open(&path, &o) {
            Err(e) => println!("{name}: ERROR {e}"),
            Ok(f) => {
                print!("{name}:");
                for s in f.series() {
                    print!(
                        " [{} {:?} {} {} {:?} {:?}{}]",
                        s.letters(),
                        s.shape(),
                        s.sample_type(),
                        s.origin(),
                        s.pixel_size(),
                        s.name(),
                        s.left_out().map_or(String::new(), |l| format!(" LEFT {l}"))
                    );
                }
                match f.items(&o.selection) {
                    Err(e) => print!(" ITEMS {e}"),
                    Ok(items) => {
                        print!(" items {}", items.len());
                        let mut sum = 0.0;
                        let mut n = 0;
                        for i in &items {
                            match f.images(i) {
                                Ok(v) => {
                                    for im in v {
                                        n += 1;
                                        if im.height() * im.width() < 10_000_000 {
                                            for c in 0..im.channels() {
                                                match im.to_planes(c) {
                                                    Ok(p) => sum += p.as_slice().iter().map(|v| *v as f64).sum::<f64>(),
                                                    Err(e) => {
                                                        print!(" {e}");
                                                    }
                                                }
                                            }
                                        }
                                    }
                                }
                                Err(e) => {
                                    print!(" ERROR {e}");
                                    break;
                                }
                            }
                        }
                        print!(
                            " images {n} c{} z{} sum {sum} suffix {:?}",
                            items[0].channels,
                            items[0].slices,
                            items.last().unwrap().series_suffix()
                        );
                    }
                }
                println!(" {:?}", t.elapsed());
                for w in f.warnings() {
                    println!("    warning: {w}");
                }
            }
        }
    }
}
