//! `airgap-bundle completion SHELL`.

use clap_complete::Shell;

use crate::commands::report::Report;

/// Print a script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  airgap-bundle completion bash > /etc/bash_completion.d/airgap-bundle
  airgap-bundle completion zsh > \"${fpath[1]}/_airgap-bundle\"
  airgap-bundle completion fish > ~/.config/fish/completions/airgap-bundle.fish")]
pub(super) struct Arguments {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Report {
    let mut output = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "airgap-bundle", &mut output);
    if arguments.shell == Shell::Bash {
        output = mended(&output);
    }
    Report { command: "completion", output, ..Report::default() }
}

/// Makes one name of the two that the generator of `clap_complete` 4.6 for bash gives a command with `-` in its name, so that
/// flags after a verb are completed, too.
fn mended(script: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(script).replace("airgap__subcmd__bundle", "airgap__bundle").into_bytes()
}
