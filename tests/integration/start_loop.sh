# SPDX-License-Identifier: Apache-2.0
# start_loop.sh - 200 starts one after the other and 80 in parallel leave nothing: no process, namespace, mount, file
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun

STARTS=${RK_STARTS:-200} PARALLEL=8 ROUNDS=${RK_ROUNDS:-10}
RK=$RK_BIN/rootless-supervisor
# the network namespaces that any process of this world is in or holds open
namespaces() { readlink /proc/[0-9]*/ns/net /proc/[0-9]*/task/[0-9]*/ns/net /proc/[0-9]*/fd/* 2>/dev/null | grep '^net:' | sort -u | wc -l; }
# what the kernel holds, for those that no process shows (a mount, a socket in flight); other tests
# of the machine come and go, so it is a bound and not a number
kernel_namespaces() { awk '$1 == "net_namespace" { print $2 }' /proc/slabinfo; }
state() { find "$RK_RUN" "$RK_TMP" /tmp -maxdepth 1 -user "$RK_USER" -name 'r*k*' | wc -l; }
all() { echo "$(namespaces) $(grep -c . /proc/self/mountinfo) $(state) $(pgrep -u "$RK_UID" | wc -l) $(find /proc/$$/fd | wc -l)"; }

before=$(all)
kernel_before=$(kernel_namespaces)
# shellcheck disable=SC2016 # expands inside
as_user sh -c 'i=0; while [ $i -lt "$1" ]; do "$2" --net=slirp -- true || echo "start $i: $?"; i=$((i + 1)); done' sh "$STARTS" "$RK" >"$RK_OUT" 2>&1
is "$STARTS starts: each is 0 and silent" "$(cat "$RK_OUT")" ''
is "$STARTS starts: namespaces, mounts, state directories, processes, descriptors" "$(all)" "$before"

# shellcheck disable=SC2016 # expands inside
seq $((PARALLEL * ROUNDS)) | as_user xargs -P $PARALLEL -n 1 sh -c 'exec "$0" --net=slirp -- sh -c "nsprobe connect -t 5000 192.0.2.2 7"' "$RK" >"$RK_OUT" 2>&1
is "$PARALLEL at a time: each has its network" "$(sort "$RK_OUT" | uniq -c | tr -s ' ')" " $((PARALLEL * ROUNDS)) ok"
is "$PARALLEL at a time: nothing is left" "$(all)" "$before"

# the same state directory, hammered by all: one has it, the others say so
# shellcheck disable=SC2016 # expands inside
seq $((PARALLEL * ROUNDS)) | as_user xargs -P $PARALLEL -I{} sh -c '"$0" --net=host --state-dir="$1" -- sh -c "mkdir \$TMPDIR/alone && rmdir \$TMPDIR/alone" 2>&1 || test $? = 125' "$RK" "$STATE" >"$RK_OUT" 2>&1
is "one state directory for all: never two at once" "$(grep -v -e 'in use by another instance' -e 'choose another --state-dir' "$RK_OUT")" ''
fails "one state directory for all: gone" test -e "$STATE"

if [ "$kernel_before" ]; then
	few() { [ "$(kernel_namespaces)" -lt $((kernel_before + STARTS)) ]; }
	ok "the kernel has let go of the namespaces" wait_for 10 few
fi
