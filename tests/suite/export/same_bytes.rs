//! The same content is the same file, whatever happened on the way.

use super::{ID, entries, registry, site};
use crate::fixture::{artifact, bytes, chart, image, index, index_of};

#[test]
fn neither_jobs_nor_the_order_of_the_list_change_a_byte() {
    let server = registry();
    let shared = image(1, 4, 30_000);
    let multi = index(2, &["linux/amd64", "linux/arm64"], 2, 400_000);
    let mut lines = vec!["file ./folder", "file ./one name=two"];
    for (name, graph) in [
        ("a", &shared),
        ("b", &shared),
        ("c", &image(3, 1, 300_000)),
        ("d", &multi),
        ("e", &index_of(&[("linux/amd64", &shared), ("", &multi)])),
        ("f", &artifact(4, "application/vnd.example", Some(&multi))),
        ("g", &chart("c", "1.0.0", b"packed")),
        ("h", &image(6, 0, 0)),
    ] {
        graph.put(server.registry(), name, Some("1"));
    }
    lines.extend(["REGISTRY/a:1", "REGISTRY/b:1 as=x:1", "REGISTRY/b:1", "REGISTRY/c:1", "REGISTRY/d:1"]);
    lines.extend(["REGISTRY/e:1", "REGISTRY/f:1", "REGISTRY/g:1", "REGISTRY/h:1", "REGISTRY/a:1"]);
    let mut site = site(&server).bytes("one", &bytes(1, 70_000)).file("folder/b", "b").file("folder/a", "a");
    let mut first = None;
    for (number, jobs) in [1, 3, 16].into_iter().enumerate() {
        for turned in [false, true] {
            lines.rotate_left(number * 2 + 1);
            if turned {
                lines.reverse();
            }
            site = site.file("list.txt", &lines.join("\n"));
            let output = format!("{jobs}-{turned}.tar");
            site.run(&format!("export --list list.txt --jobs {jobs} -o {output}"))
                .stdout(ID)
                .any_stderr()
                .code(0);
            let made = site.read(&output);
            if first.is_none() {
                entries(&site, &output);
            }
            assert!(*first.get_or_insert_with(|| made.clone()) == made, "{output}");
            std::fs::remove_file(site.path(&output)).unwrap();
        }
    }
}
