//! Words with a special meaning in a shell, and programs that can run other commands.

/// Words that begin, continue or end a compound command, and prefixes such as `time`.
const KEYWORDS: &str = "\
    ! [[ ]] case coproc do done elif else end esac fi for foreach function if in noglob repeat select then time \
    until while { }";

/// Shell builtins that can run or evaluate their arguments, or that change the meaning of later commands.
const EVALUATORS: &str = "\
    . [ alias autoload bind builtin command compgen complete declare emulate enable eval exec export fc hash let \
    local mapfile read readarray readonly source trap typeset unalias unset zmodload";

/// Programs, builtins and keywords that can run a command passed in their arguments.
const WRAPPERS: &str = "\
    bwrap builtin busybox chroot chrt command coproc doas env exec fakeroot find firejail flock ionice ltrace \
    nice nocorrect noglob nohup npx nsenter pkexec prlimit runuser script setpriv setsid stdbuf strace sudo \
    systemd-run taskset time timeout trap unbuffer unshare";

/// Programs and builtins that can run commands from the text of an argument, from a file or from their input.
const INTERPRETERS: &str = "\
    . ash at bash batch csh dash eval fish ksh parallel sh source ssh su tcsh watch xargs zsh";

/// Returns whether `list`, whose words are separated by single spaces, contains `word`.
pub fn has_word(list: &str, word: &str) -> bool {
    list.split(' ').any(|other| other == word)
}

pub fn is_keyword(word: &str) -> bool {
    has_word(KEYWORDS, word)
}

pub fn is_evaluator(word: &str) -> bool {
    has_word(EVALUATORS, word)
}

pub fn is_wrapper(word: &str) -> bool {
    has_word(WRAPPERS, base_name(word))
}

pub fn is_interpreter(word: &str) -> bool {
    has_word(INTERPRETERS, base_name(word))
}

/// Returns the name of a program without its folder.
pub fn base_name(word: &str) -> &str {
    word.rsplit_once('/').map_or(word, |(_, name)| name)
}

/// Returns whether the word is an assignment, such as `A=b`, `A+=b` or `A[1]=b`.
pub fn is_assignment(word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "_[]+".contains(c);
    word.split_once('=')
        .is_some_and(|(name, _)| name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(is_name))
}
