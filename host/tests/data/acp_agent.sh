#!/bin/bash
# An agent that speaks the Agent Client Protocol, for tests. It implements the commands of the demo agent that the tests
# for all kinds of agents use. It stores its conversations in its folder.
say() { printf '%s\n' "$1"; }
result() { say '{"jsonrpc":"2.0","id":'"$1"',"result":'"$2"'}'; }
text() {
    say '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"'"$session"'","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"'"$1"'"}}}}'
}
end() { result "$turn" '{"stopReason":"'"${1:-end_turn}"'"}'; }

# Prints $1 lines. Returns 1 if it is interrupted.
slow() {
    for ((i = 1; i <= $1; i++)); do
        if ((i > 1)) && read -r -t 0.05 line && [[ $line == *session/cancel* ]]; then
            return 1
        fi
        text "line $i$([[ $i == "$1" ]] || echo '\n')"
    done
}

ask() {
    say '{"jsonrpc":"2.0","id":900,"method":"session/request_permission","params":{"sessionId":"'"$session"'","toolCall":{"toolCallId":"t1","title":"'"$1"'","kind":"execute","rawInput":{"command":"'"$1"'"}},"options":[{"optionId":"allow","name":"Allow once","kind":"allow_once"},{"optionId":"deny","name":"Deny","kind":"reject_once"}]}}'
    read -r line
    if [[ $line == *'"optionId":"allow"'* ]]; then text "You allowed it."; else text "I don't run it."; fi
}

prompt() {
    local word=${1%% *} rest=${1#* } stop=end_turn
    case $word in
        slow) slow "$rest" || stop=cancelled ;;
        run) ask "$rest" ;;
        remember) say "$rest" >"memory-$session"; text "I will remember: $rest" ;;
        recall) if [[ -s memory-$session ]]; then text "I remember: $(<"memory-$session")"; else text "I remember nothing."; fi ;;
        forget) rm -f "memory-$session"; text "I forgot everything. This conversation can no longer be resumed." ;;
        crash) text "I am about to "; echo "the agent crashed on request" >&2; exit 70 ;;
        hang) exec sleep 1000 ;;
        flood) for ((i = 1; i <= rest; i++)); do text "line $i\n"; done ;;
        garbage) printf '%b\n' 'this is not JSON' '\xff\xfe\0\x1b[31m{"type":' '[1, 2, null]' ''; text "I printed garbage." ;;
        stubborn) trap '' TERM; is_stubborn=1; text "From now on I ignore SIGTERM and the end of input." ;;
        *) text "You said: $1" ;;
    esac
    end "$stop"
}

while read -r line; do
    id=${line#*'"id":'} id=${id%%[,\}]*}
    case $line in
        *'"initialize"'*) result "$id" '{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}' ;;
        *'"session/new"'*)
            session=conversation-$$
            : >"memory-$session"
            result "$id" '{"sessionId":"'"$session"'"}'
            say '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"'"$session"'","update":{"sessionUpdate":"available_commands_update","availableCommands":[]}}}' ;;
        *'"session/load"'*)
            session=${line#*'"sessionId":"'} session=${session%%'"'*}
            if [[ -e memory-$session ]]; then
                result "$id" '{}'
            else
                say '{"jsonrpc":"2.0","id":'"$id"',"error":{"code":-32602,"message":"No conversation found with session ID: '"$session"'"}}'
            fi ;;
        *'"session/prompt"'*)
            turn=$id
            text=${line#*'"text":"'}
            prompt "${text%%'"'*}" ;;
    esac
done
while [[ $is_stubborn ]]; do sleep 1000; done
