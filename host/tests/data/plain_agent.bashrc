# The startup file for an interactive bash. Its functions implement the demo agent commands that the tests for all agent
# kinds use.
PS1='sh> ' PS2='sh> '
command_not_found_handle() { echo "You said: $*"; }
slow() { for ((i = 1; i <= $1; i++)); do echo "line $i"; sleep 0.05; done; }
remember() { memory=$*; echo "I will remember: $memory"; }
recall() { if [[ $memory ]]; then echo "I remember: $memory"; else echo "I remember nothing."; fi; }
crash() { printf 'I am about to '; echo "the agent crashed on request" >&2; kill -KILL $$; }
hang() { trap '' INT; sleep 1000; }
flood() { for ((i = 1; i <= $1; i++)); do echo "line $i"; done; }
garbage() { printf '%b\n' '\xff\xfe\0\x1b[31m{"type":' '\x1b]0;title\a\r'; echo "I printed garbage."; }
stubborn() {
    trap '' TERM
    trap 'while :; do sleep 1000; done' EXIT
    echo "From now on I ignore SIGTERM and the end of input."
}
