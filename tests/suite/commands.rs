//! The small commands, and what clap says of wrong calls.

use crate::fixture::Pack;
use crate::site::Site;

#[test]
fn version_prints_name_and_number() {
    let text = concat!("airgap-bundle ", env!("CARGO_PKG_VERSION"), "\n");
    Site::new().run("version").stdout(text).code(0);
    Site::new().run("--version").stdout(text).code(0);
    Site::new().run("version --quiet").stdout(text).code(0);
}

#[test]
fn version_as_json_names_the_formats() {
    let version = Site::new().run("version --json").json(0);
    assert_eq!(
        version,
        serde_json::json!({
            "schema": 1, "command": "version", "version": env!("CARGO_PKG_VERSION"), "formats": [1],
            "os": std::env::consts::OS, "architecture": std::env::consts::ARCH,
        })
    );
}

#[test]
fn completion_knows_every_shell_and_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Site::new().run(&format!("completion {shell}")).any_stdout().code(0);
        let script = String::from_utf8(script).unwrap();
        for verb in airgap_bundle::cli::command().get_subcommands() {
            assert!(script.contains(verb.get_name()), "{shell} lacks {}", verb.get_name());
        }
    }
}

/// Returns what bash offers for the last word of a command line.
fn bash_offers(line: &[&str]) -> Vec<String> {
    let site = Site::new();
    let script = site.run("completion bash").any_stdout().code(0);
    let site = site.bytes("completion.bash", &script);
    let (last, before) = (line[line.len() - 1], line[line.len() - 2]);
    let asked = format!(
        "source completion.bash; COMP_WORDS=({}); COMP_CWORD={};
         $(complete -p airgap-bundle | grep -o '_airgap[a-z_]*') airgap-bundle '{last}' '{before}'; echo ${{COMPREPLY[@]}}",
        line.join(" "),
        line.len() - 1,
    );
    let output =
        std::process::Command::new("bash").args(["-c", &asked]).current_dir(site.root()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_flags_and_values() {
    assert_eq!(bash_offers(&["airgap-bundle", "versi"]), ["version"]);
    assert_eq!(bash_offers(&["airgap-bundle", "version", "--js"]), ["--json"]);
    assert_eq!(bash_offers(&["airgap-bundle", "completion", "f"]), ["fish"]);
    assert_eq!(bash_offers(&["airgap-bundle", "version", "--progress", "pl"]), ["plain"]);
}

#[test]
fn completion_of_an_unknown_shell_lists_the_known_ones() {
    Site::new()
        .run("completion tcsh")
        .stderr(
            "error: invalid value 'tcsh' for '<SHELL>'\n  \
             [possible values: bash, elvish, fish, powershell, zsh]\n\n  \
             tip: a similar value exists: 'zsh'\n\nFor more information, try '--help'.\n",
        )
        .code(2);
}

#[test]
fn man_prints_the_page_of_the_main_command() {
    Site::new()
        .run("man")
        .stdout_holds(".TH airgap-bundle 1")
        .stdout_holds("airgap\\-bundle \\- Carry container images, charts, snaps and files across an air gap")
        .code(0);
}

#[test]
fn man_prints_the_page_of_a_command() {
    let page = Site::new().run("man export").any_stdout().code(0);
    let page = String::from_utf8(page).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    for line in
        [".TH airgap-bundle-export 1", ".SH THE LIST", ".SH CREDENTIALS", ".SH EXIT STATUS", ".SH EXAMPLES"]
    {
        assert!(lines.iter().any(|there| there.starts_with(line)), "{line}: {page}");
    }
    assert!(!page.contains(".SH EXTRA"), "{page}");
    Site::new()
        .run("man exprot")
        .stderr_holds("error: invalid value 'exprot' for '[COMMAND]'\n")
        .stderr_holds("tip: a similar value exists: 'export'\n")
        .code(2);
    Site::new().run("man export --dir man").stderr_holds("cannot be used with").code(2);
}

#[test]
fn man_keeps_the_lines_of_what_help_says_last() {
    for verb in ["export", "sideload"] {
        let site = Site::new();
        let page = String::from_utf8(site.run(&format!("man {verb}")).any_stdout().code(0)).unwrap();
        let shown: Vec<String> = page.lines().map(|line| line.replace("\\-", "-")).collect();
        let help = String::from_utf8(site.run(&format!("{verb} --help")).any_stdout().code(0)).unwrap();
        let first = if verb == "export" { "The list:\n" } else { "Exit status:\n" };
        let (_, last) = help.split_once(first).expect("what help says last");
        for line in last.lines().filter(|line| line.starts_with(' ')) {
            assert!(shown.iter().any(|there| there == line.trim()), "{line}\n{page}");
            assert!(line.chars().count() <= 90, "{line}");
        }
    }
}

#[test]
fn man_writes_a_page_for_each_command() {
    let site = Site::new();
    let mut expected: Vec<String> = airgap_bundle::cli::command()
        .get_subcommands()
        .map(|verb| format!("share/man/airgap-bundle-{}.1", verb.get_name()))
        .chain(["share/man/airgap-bundle.1".to_owned()])
        .collect();
    expected.sort();
    site.run("man --dir share/man")
        .stderr(&format!("wrote {} manual pages to `share/man`\n", expected.len()))
        .code(0);
    assert_eq!(site.files("share"), expected);
    let page = String::from_utf8(site.read("share/man/airgap-bundle-version.1")).unwrap();
    assert!(page.contains(".TH airgap-bundle-version 1"), "{page}");
    assert!(page.contains("\\-\\-json"), "the flags that all commands share are missing: {page}");
}

#[test]
fn man_says_what_it_could_not_do() {
    let site = Site::new().file("taken", "a file");
    site.run("man --dir taken").stderr("error: creating `taken`: File exists (os error 17)\n").code(1);
}

#[test]
fn a_wrong_call_is_exit_2_and_names_the_right_one() {
    let site = Site::new();
    site.run("completoin")
        .stderr(
            "error: unrecognized subcommand 'completoin'\n\n  tip: a similar subcommand exists: 'completion'\n\n\
             Usage: airgap-bundle [OPTIONS] <COMMAND>\n\nFor more information, try '--help'.\n",
        )
        .code(2);
    site.run("version --jason").stderr_holds("tip: a similar argument exists: '--json'").code(2);
    site.run("version -q -v").stderr_holds("the argument '--quiet' cannot be used with '--verbose'").code(2);
    site.run("").stderr_holds("Usage: airgap-bundle [OPTIONS] <COMMAND>").code(2);
}

#[test]
fn a_wrong_call_has_a_document_where_one_is_wanted() {
    let site = Site::new();
    let report = site.run("import --json --tow x").json(2);
    assert_eq!(
        (&report["command"], &report["status"], &report["errors"][0]),
        (&"import".into(), &"failed".into(), &"unexpected argument '--tow' found".into())
    );
    assert_eq!(site.run("--json unheard-of").json(2)["command"], "airgap-bundle");
    assert_eq!(site.run("import --json --to registry").json(1)["command"], "import");
}

#[test]
fn a_password_in_a_destination_is_not_repeated() {
    let site = Site::new();
    site.run("import --to user:s3cretpw@registry.internal:5000")
        .stderr(
            "error: `--to`: credentials do not go into a destination, where others could read them\n\n\
             hint: say `--username USER` with `--password-stdin` or `--password-file FILE`\n",
        )
        .code(2);
    let document = site.run("import --json --to user:s3cretpw@registry").any_stderr().any_stdout().code(2);
    assert!(!String::from_utf8(document).unwrap().contains("s3cretpw"));
    site.run(&format!("import --to registry/a@sha256:{}", "0".repeat(64)))
        .stderr(
            "error: `--to`: a destination has no digest: artifacts keep theirs\n\n\
             hint: name the registry and a prefix alone\n",
        )
        .code(2);
}

#[test]
fn help_is_data_and_no_mistake() {
    let site = Site::new();
    site.run("--help").stdout_holds("Usage: airgap-bundle [OPTIONS] <COMMAND>").code(0);
    for verb in airgap_bundle::cli::command().get_subcommands() {
        let usage = format!("Usage: airgap-bundle {}", verb.get_name());
        site.run(&format!("{} --help", verb.get_name())).stdout_holds(&usage).code(0);
    }
}

#[test]
fn files_and_folders_that_flags_name_are_wrong_usage() {
    let site = Site::new().file("file", "text").bytes("site.tar", &Pack::new().file("a", b"x").tar());
    for (line, message) in [
        ("import site.tar --to r.invalid --auth-file none", "`--auth-file none` was not found"),
        ("import site.tar --to r.invalid --auth-file home", "`--auth-file home` is a folder, not a file"),
        (
            "import site.tar --to r.invalid --ca-cert none --username u --password-file home",
            "`--password-file home` is a folder, not a file; `--ca-cert none` was not found",
        ),
        ("export r.invalid/a --client-cert none --client-key file", "`--client-cert none` was not found"),
        ("export ./file --reuse none", "`--reuse none` was not found"),
        ("extract site.tar --to file", "`--to file` is not a folder"),
        ("extract site.tar --to=", "`--to ` is empty"),
        ("sideload --containerd-dir= site.tar", "`--containerd-dir` is empty"),
    ] {
        site.run(line).stderr_holds(&format!("error: {message}\n")).code(2);
    }
}
