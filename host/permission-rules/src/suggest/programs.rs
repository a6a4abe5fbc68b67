//! Decides how many of a command's leading words make a narrow prefix rule.

use crate::command::has_word;

/// Programs for which a prefix rule would allow too much, for example because their first argument is a file, a host or
/// another program. For these, only the exact command is suggested. A version may follow the name, as in `python3.12`.
const EXACT: &str = "\
    ag ansible ant ash at awk basename bash batch bazel bun bunx busybox bwrap cat cc cd chgrp chmod chown \
    chronic chroot chrt chsh clang clisp cmake code column comm corepack cp crontab csh csplit curl cut dash dd \
    deno df diff dig dirname distrobox doas du echo ed elixir emacs entr env erl expect fakeroot false fd fdfind \
    ffmpeg file find firejail fish flatpak-spawn flock fswatch g++ gawk gcc gdb ghci gpg gradle grep guile head \
    host ifconfig inotifywait install ionice ip iptables irb java javac join jq jshell julia just kill killall \
    ksh ldd less ln ls ltrace lua luajit mail make man mawk meson mkdir mkfs mktemp mount mv mvn mysql nano nc \
    nice ninja nm nmap node nodejs nohup npx nsenter nslookup objdump ocaml octave od open openssl osascript \
    parallel passwd paste perl php pico ping pipx pkexec pkill popd printf prlimit proxychains psql ptrace pushd \
    pwd pwsh py pypy python R racket rake readlink realpath reboot rename rg rm rmdir Rscript rsync ruby runuser \
    rustc scala scons scp screen script sed sendmail setpriv setsid sh shred shutdown sleep socat sort split \
    sqlite ssh start stat stdbuf strace su sudo swift sysctl systemd-run tail tar taskset tclsh tcsh tee telnet \
    test timeout tmux toolbox torsocks touch tr true truncate ts-node tsc tsx type unbuffer uniq unshare unzip \
    useradd usermod uvx vagrant vi vim wait watch wc wget which xargs xdg-open xxd yq zip zsh";

/// Subcommands that can run other programs, change settings or lose work. For these, only the exact command is
/// suggested.
const EXACT_SUBCOMMANDS: [(&str, &str); 13] = [
    ("bundle", "exec"),
    ("cargo", "install"),
    ("docker", "build compose container exec run"),
    ("git", "bisect checkout clean config difftool filter-branch mergetool rebase reset restore rm submodule"),
    ("go", "generate run tool"),
    ("kubectl", "attach debug delete exec run"),
    ("nix", "develop run shell"),
    ("npm", "exec explore x"),
    ("pip", "config"),
    ("pnpm", "dlx exec"),
    ("podman", "build compose container exec run"),
    ("uv", "run tool"),
    ("yarn", "dlx exec node"),
];

/// Programs, and those of their subcommands that take another subcommand or a script name.
const NESTED: [(&str, &str); 5] = [
    ("cargo", "xtask"),
    ("gh", "issue label pr release repo run workflow"),
    ("npm", "run run-script"),
    ("pnpm", "run"),
    ("yarn", "run"),
];

/// Returns how many leading words a prefix rule must contain. Returns `None` if every prefix rule would be too broad,
/// so that only the exact command can be suggested.
pub fn prefix_length(words: &[&str]) -> Option<usize> {
    let [program, subcommand, rest @ ..] = words else { return None };
    let family = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    if !program.is_ascii()
        || program.contains('/')
        || has_word(EXACT, program)
        || has_word(EXACT, family)
        || !is_subcommand(subcommand)
    {
        return None;
    }
    let is_in = |table: &[(&str, &str)]| {
        table.iter().any(|(name, subcommands)| name == program && has_word(subcommands, subcommand))
    };
    if is_in(&EXACT_SUBCOMMANDS) {
        return None;
    }
    if is_in(&NESTED) {
        return rest.first().is_some_and(|word| is_subcommand(word)).then_some(3);
    }
    Some(2)
}

/// Returns whether the word looks like a subcommand rather than an option, a file or free text.
fn is_subcommand(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_:".contains(c))
}
