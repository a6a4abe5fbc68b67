#!/bin/sh
# An agent that does what the script at $SCRIPT says, in builtins alone: it has no PATH. `say` prints a line as it is.
say() {
    printf '%s\n' "$1"
}
. "$SCRIPT"
