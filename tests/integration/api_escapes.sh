# SPDX-License-Identifier: Apache-2.0
# api_escapes.sh - no command of rootlessctl hands a server's control characters to the terminal
. "${0%/*}/lib.sh"
need tool:python3 tool:curl
evil=$T/evil.sock
python3 "$RK_SRC/tests/integration/api_escapes.py" "$evil" &
server=$!
wait_for 5 test -S "$evil"

# bytes that are no letters, tab or newline; and the two that are letters, of three bytes and of two
commands() { LC_ALL=C tr -d '\n\t -~' <"$1" | od -An -tx1; }
curl -s --unix-socket "$evil" http://x/v1/info >"$T/said"
isnt "what the server says does" "$(commands "$T/said")" ""
for command in info status "top --count=1" flows events metrics list-ports "list-ports --stats" \
	"info --json" "status --json" "flows --json" "list-ports --json" "metrics --json" "add-ports 1:1/tcp" "remove-ports 1"; do
	# shellcheck disable=SC2086 # a list of words
	rootlessctl --socket "$evil" $command >"$T/said" 2>&1
	is "$command: something is said" "$([ -s "$T/said" ] && echo yes)" yes
	is "$command: nothing of it commands the terminal" "$(commands "$T/said")" ""
done
kill "$server"
wait "$server" || true
