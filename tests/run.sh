#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh - run the tests of one suite, some at a time: run.sh SUITE OUT BUDGET_MIN JOBS AGAIN <LIST
#
# A line of LIST is NAME, a tab, LIMIT (seconds), a tab, COMMAND. What a test prints goes to
# OUT/NAME.log; lines `ok` and `not ok` in it are its checks. A test without any counts as one check
# by its exit status. 77 with a line `# SKIP this machine` is a skip, any other 77 a failure: what
# the machine can run must run.
#
# When no more than AGAIN tests failed, each of them gets a second run at the end, with nothing beside
# it. What fails again has failed; what passes then is called `flaky`, with the output of its failure.
#
# Ends with the suite's sum and minutes; OUT/sums gets `SUITE PASSED FAILED SKIPPED FLAKY`. Status 1
# when something failed or the budget (minutes, 0: none) is over.
set -u

# one NAME<TAB>LIMIT<TAB>COMMAND: runs under xargs
one() {
	name=$(printf '%s' "$1" | cut -f1) limit=$(printf '%s' "$1" | cut -f2) command=$(printf '%s' "$1" | cut -f3-)
	log=$out/$name.log
	start=$(date +%s)
	rc=0
	rm -f "$out/$name.tap"
	CK_TIMEOUT_MULTIPLIER=10 CK_TAP_LOG_FILE_NAME=$out/$name.tap timeout --kill-after=5 "$limit" sh -c "$command" >"$log" 2>&1 </dev/null || rc=$?
	if [ -s "$out/$name.tap" ]; then grep -E '^(not )?ok ' "$out/$name.tap" >>"$log"; fi
	passed=$(grep -cE '^ok ' "$log") failed=$(grep -cE '^not ok ' "$log") skipped=0
	if [ $rc = 77 ] && grep -q '# SKIP this machine' "$log"; then
		skipped=1
	elif [ $rc != 0 ] && [ "$failed" = 0 ]; then
		echo "not ok - exit status $rc$([ $rc != 124 ] || echo ": over $limit s")" >>"$log"
		failed=1
	elif [ "$passed$failed" = 00 ]; then
		passed=1
	fi
	seconds=$(($(date +%s) - start))
	exec 9>"$out/lock" # whole tests, not mixed lines
	flock 9
	echo "$name $passed $failed $skipped $seconds" >>"$out/counts"
	if [ "$failed" != 0 ]; then
		printf '%s\n' "$1" >>"$out/failed"
		echo "failed: $suite/$name ($failed of $((passed + failed)) checks, $seconds s)"
	elif [ $skipped = 1 ]; then
		echo "ok $suite/$name $(grep -o '# SKIP.*' "$log")"
	else
		echo "ok $suite/$name ($passed checks, $seconds s)"
	fi
}

# run JOBS <LIST: OUT/failed gets the lines of those that fail
run() {
	: >"$out/failed"
	xargs -r -d '\n' -n 1 -P "$1" sh "$0" --one "$suite" "$out"
}

# second_chance: for those in OUT/failed
second_chance() {
	while IFS="$tab" read -r name _; do
		mv "$out/$name.log" "$out/$name.first.log"
		sed -i "/^$name /d" "$out/counts"
	done <"$out/failed"
	mv "$out/failed" "$out/again"
	run 1 <"$out/again"
	while IFS="$tab" read -r name _; do
		! grep -q "^$name$tab" "$out/failed" || continue
		flaky=$((flaky + 1))
		echo "flaky $suite/$name: it failed beside others and passed alone; its cause is to be found:"
		grep -A 8 '^not ok ' "$out/$name.first.log" | sed 's/^not ok/failed:/; s/^/    /'
	done <"$out/again"
}

if [ "$1" = --one ]; then
	suite=$2 out=$3
	one "$4"
	exit 0
fi

tab=$(printf '\t')
suite=$1 out=$2 budget=$3 jobs=$4 again=$5
rm -rf "$out"
mkdir -p "$out"
: >"$out/counts"
start=$(date +%s) flaky=0
run "$jobs"
if [ -s "$out/failed" ] && [ "$(wc -l <"$out/failed")" -le "$again" ]; then second_chance; fi
while IFS="$tab" read -r name _; do
	echo "not ok $suite/$name"
	sed 's/^/    /' "$out/$name.log" | tail -n 200
done <"$out/failed"
seconds=$(($(date +%s) - start))
sum=$(awk '{ p += $2; f += $3; s += $4 } END { print p + 0, f + 0, s + 0 }' "$out/counts")
rc=0
if [ ! -s "$out/counts" ]; then
	echo "not ok $suite: there is no test"
	sum="0 1 0"
fi
if [ "$budget" != 0 ] && [ $seconds -gt $((budget * 60)) ]; then
	echo "not ok $suite: $seconds s are over the budget of $budget min"
	sum=$(echo "$sum" | awk '{ print $1, $2 + 1, $3 }')
fi
[ "$(echo "$sum" | cut -d' ' -f2)" = 0 ] || rc=1
echo "$suite $sum $flaky" >"$out/sums"
echo "$suite $sum $flaky $seconds $budget" |
	awk '{ printf "# %s: %d passed, %d failed, %d skipped, %d flaky, %.1f of %s minutes\n", $1, $2, $3, $4, $5, $6 / 60, $7 ? $7 : "any number of" }'
exit $rc
