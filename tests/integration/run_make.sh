# SPDX-License-Identifier: Apache-2.0
# run_make.sh - as a CI job: `rootless-supervisor -- make -C X test` on pipes, no terminal
. "${0%/*}/lib.sh"
need userns tun tool:make

mkdir "$T/x"
printf '%s\n' '.PHONY: test fail input' 'test: built' '	@cat built; test "$$(id -u)" = 0' \
	'built:' '	echo built >built' 'fail:' '	@exit 3' 'input:' '	@sha256sum' >"$T/x/Makefile"
chown -R "$RK_UID:$RK_GID" "$T/x"

# ci DIALECT ARG...: stdin, stdout and stderr are pipes
ci() {
	RK_STATUS=0
	# shellcheck disable=SC2016 # expands inside
	as_user sh -c 'yes data | head -n 100000 | { "$@" 2>&1; echo "status $?"; } | cat' sh "$@" >"$RK_OUT"
	RK_STATUS=$(sed -n 's/^status //p' "$RK_OUT")
}

ci rootless-supervisor -- make -s -C "$T/x" test
is "make test: status" "$RK_STATUS" 0
is "make test: output" "$(cat "$RK_OUT")" "built
status 0"
is "the file is the user's outside" "$(stat -c %U "$T/x/built")" "$RK_USER"
ci rootless-supervisor -- make -s -C "$T/x" test
is "nothing to build" "$(cat "$RK_OUT")" "built
status 0"
ci rootless-supervisor -- make -s -C "$T/x" fail
is "a failing make is 2" "$RK_STATUS" 2
like "and make's words are there" "$(cat "$RK_OUT")" '*Makefile:*fail*Error 3*'
unlike "and none of ours" "$(cat "$RK_OUT")" '*rootless-supervisor:*'
ci rootlesskit --net=slirp4netns --disable-host-loopback --copy-up=/etc -- make -s -C "$T/x" fail
is "a failing make is 2 under RootlessKit's name" "$RK_STATUS" 2
like "with upstream's line" "$(cat "$RK_OUT")" '*child exited: exit status 2*'

ci rootless-supervisor -- make -s -C "$T/x" input
is "stdin reaches the command whole" "$(head -n 1 "$RK_OUT")" "$(yes data | head -n 100000 | sha256sum)"
# shellcheck disable=SC2016 # expands inside
is "what the command does not read, the next one can" "$(as_user sh -c \
	'printf "one\ntwo\n" | { rootless-supervisor --net=none -- head -c 4; cat; }')" "one
two"
# shellcheck disable=SC2016 # expands inside
as_user sh -c '{ rootless-supervisor --net=none -- yes; echo "status $?" >&2; } | head -n 1' >"$RK_OUT" 2>"$RK_ERR"
is "a reader that leaves early ends the command" "$(cat "$RK_OUT" "$RK_ERR")" "y
status 141"
