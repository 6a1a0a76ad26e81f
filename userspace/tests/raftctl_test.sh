#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# raftctl against a group that is made up (fake_device.c): arguments, output, exit
# codes, errors. Takes the path of the raftctl that is linked with it:
#
#	raftctl_test.sh path/to/raftctl-fake
set -u
export TZ=UTC LC_ALL=C

raftctl=${1:?path of raftctl-fake}
dir=$(mktemp -d "${2:-$(dirname "$raftctl")}/raftctl-test.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
n_failed=0

verdict() {
	if [ "$1" = 0 ]; then
		echo "ok - raftctl: $2"
	else
		echo "not ok - raftctl: $2"
		n_failed=$((n_failed + 1))
	fi
}

# run CODE NAME ARGS...: output into $dir/out, $dir/err
run() {
	code=$1
	name=$2
	shift 2
	"$raftctl" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ "$got" != "$code" ]; then
		echo "# exit code $got instead of $code: $*"
		sed 's/^/# /' "$dir/err"
		verdict 1 "$name"
		return
	fi
	verdict 0 "$name"
}

# golden NAME: standard output is what comes on standard input
golden() {
	cat >"$dir/expected"
	if diff -u "$dir/expected" "$dir/out" >"$dir/diff"; then
		verdict 0 "$1"
	else
		sed 's/^/# /' "$dir/diff"
		verdict 1 "$1"
	fi
}

# complains NAME TEXT: two lines at most on stderr, the first with TEXT
complains() {
	if [ "$(wc -l <"$dir/err")" -le 2 ] && sed -n 1p "$dir/err" | grep -qF -- "$2"; then
		verdict 0 "$1"
	else
		sed 's/^/# /' "$dir/err"
		verdict 1 "$1"
	fi
}

# is_json NAME: each line is a JSON value
is_json() {
	python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <"$dir/out" 2>"$dir/diff"
	verdict $? "$1"
}

### status, members

run 0 "status of a leader" status
golden "status of a leader, output" <<'END'
/dev/raftlog: node 2: running
  cluster  0123456789abcdef, 3 members
  leader   node 2, this one, surely for another 432 ms
  role     leader: a majority voted for it
  term     4, voted for node 2
  log      1 to 10, durable 9, committed 8, applied 8
  space    200.0 MiB of 256.0 MiB free
  pending  2 writes here
  level    1
  up       2 h 3 min

  id  role                address             active  last contact      rtt  lag  match_index  progress   in flight
   1  voter               10.0.0.1:7400       yes            12 ms  0.41 ms    1            9  replicate  1, 1.5 KiB
   2  leader (this node)  10.0.0.2:7400       -                  -        -    -            -  -          -
   3  voter               [2001:db8::3]:7400  no             never        -   10            0  probe      0
END

export FAKE_SCENE=follower
run 0 "status of a follower" status
golden "status of a follower, output" <<'END'
/dev/raftlog: node 2: running
  cluster  0123456789abcdef, 3 members
  leader   node 1
  role     follower: another server leads
  term     4, voted for node 2
  log      1 to 10, durable 9, committed 8, applied 8
  space    200.0 MiB of 256.0 MiB free
  pending  2 writes here
  level    1
  up       2 h 3 min

  id  role                  address             active  last contact
   1  leader                10.0.0.1:7400       yes            12 ms
   2  follower (this node)  10.0.0.2:7400       -                  -
   3  voter                 [2001:db8::3]:7400  -                  -
END
for scene in leader follower candidate stopped failed; do
	export FAKE_SCENE=$scene
	case $scene in
	leader | follower) code=0 ;;
	*) code=2 ;;
	esac
	run $code "status --json, $scene" status --json
	is_json "status --json, $scene, is JSON"
done
export FAKE_SCENE=failed
run 2 "status of a failed group" status
golden "status says why it failed" <<'END'
/dev/raftlog: node 2: failed
  failure  write of the log: -5
END
export FAKE_SCENE=stopped
run 2 "status of a stopped group" -g 3 status
golden "status of a stopped group, output" <<'END'
/dev/raftlog3: stopped
END
run 1 "members of a stopped group" members
complains "members of a stopped group, why" "is not started"
export FAKE_SCENE=absent
run 1 "no device" status
complains "no device, why" "there is no /dev/raftlog"
export FAKE_SCENE=denied
run 1 "no permission" status
complains "no permission, why" "may not open /dev/raftlog"
unset FAKE_SCENE
FAKE_CALL=ENOTTY run 1 "another device" --device /dev/null status
complains "another device, why" "/dev/null is not a raftlog device"
run 0 "members" members --json
is_json "members --json is JSON"
python3 -c 'import json, sys
o = json.load(sys.stdin)
assert [p["id"] for p in o["members"]] == [1, 2, 3]
assert o["members"][2]["last_contact_ms"] is None
assert o["members"][0]["lag"] == 1' <"$dir/out"
verdict $? "members --json, fields"

### recovery from lost quorum

mkdir "$dir/left" && head -c 1048576 /dev/zero >"$dir/left/wal"
run 1 "recover, told only" recover --id 1 --dir "$dir/left"
sed -i "s|$dir|DIR|" "$dir/out"
golden "recover, told only, output" <<'END'
DIR/left/wal: node 1 of cluster 0123456789abcdef
  log          1 to 10, the last of term 4; term 5
  committed    up to 1 surely; what is behind may be or not, and will be
  elsewhere    what others committed and never sent here is lost
  left out     node 2, voter, at 10.0.0.2:7400
               node 3, witness, at 10.0.0.3:7400
END
complains "recover, told only, says so" "nothing was changed"
run 0 "recover --force" recover --id 1 --dir "$dir/left" --force
tail -n 1 "$dir/out" | sed "s|$dir|DIR|" >"$dir/last" && mv "$dir/last" "$dir/out"
golden "recover --force, output" <<'END'
node 1 is cluster fedcba9876543210 now, alone. Start it without --peer: raftctl start --id 1 --dir DIR/left
END
run 0 "recover --force --json" recover --id 1 --wal "$dir/left/wal" --force --json
python3 -c 'import json, sys
o = json.load(sys.stdin)
assert o["recovered"] and o["new_cluster_id"] == "fedcba9876543210"
assert o["cluster_id"] == "0123456789abcdef" and not o["unfinished"]
assert o["last_index"] == 10 and o["last_term"] == 4 and o["commit_index"] == 1
assert [m["id"] for m in o["left_out"]] == [2, 3]' <"$dir/out"
verdict $? "recover --force --json, fields"
touch "$dir/left/snap.0" "$dir/left/snap.1"
run 1 "recover, with a snapshot that has more" recover --id 1 --dir "$dir/left"
sed -n 2,4p "$dir/out" >"$dir/line" && mv "$dir/line" "$dir/out"
golden "recover, with a snapshot that has more, output" <<'END'
  log          begins behind the snapshot, with nothing yet; term 5
  snapshot     of entry 12, term 5
  committed    up to 12 surely; what is behind may be or not, and will be
END
mkdir "$dir/snaps" && mv "$dir"/left/snap.? "$dir/snaps"
run 0 "recover --snapshots" recover --id 1 --wal "$dir/left/wal" --snapshots "$dir/snaps" --force
tail -n 1 "$dir/out" | sed "s|$dir|DIR|g" >"$dir/last" && mv "$dir/last" "$dir/out"
golden "recover --snapshots, output" <<'END'
node 1 is cluster fedcba9876543210 now, alone. Start it without --peer: raftctl start --id 1 --wal DIR/left/wal --snapshots DIR/snaps
END
run 1 "recover, without where the snapshots are" recover --id 1 --wal "$dir/left/wal"
sed -n 3p "$dir/out" >"$dir/line" && mv "$dir/line" "$dir/out"
golden "recover, without where the snapshots are, output" <<'END'
  snapshot     none was looked at: --snapshots says where they are
END
FAKE_TRIMMED=1 run 1 "recover --force, without where the snapshots are" recover --id 1 --wal "$dir/left/wal" --force
complains "recover --force, without where the snapshots are, why" "begins with entry 7, and no snapshot was looked at"
FAKE_TRIMMED=1 run 0 "recover --force --salvage, without where the snapshots are" recover --id 1 --wal "$dir/left/wal" --force --salvage
FAKE_TRIMMED=1 run 0 "recover --force, with none where the log is" recover --id 1 --dir "$dir/left" --force
rm "$dir/snaps/snap.1"
run 1 "recover, with half of the snapshots" recover --id 1 --wal "$dir/left/wal" --snapshots "$dir/snaps" --force
complains "recover, with half of the snapshots, why" "one is missing: snap.1"
[ ! -e "$dir/snaps/snap.1" ]
verdict $? "recover makes no snapshots"
rm "$dir/snaps/snap.0"
run 1 "recover, with none where they are said to be" recover --id 1 --wal "$dir/left/wal" --snapshots "$dir/snaps" --force
complains "recover, with none where they are said to be, why" "there are no snapshots in"
FAKE_SCENE=changing run 1 "recover that was interrupted" recover --id 1 --dir "$dir/left"
sed -n 2p "$dir/out" >"$dir/line" && mv "$dir/line" "$dir/out"
golden "recover that was interrupted, output" <<'END'
  interrupted  this is a cluster of its own already; the next start, or --force, completes it
END
FAKE_SCENE=changing FAKE_RECOVER=EUCLEAN run 1 "recover that was interrupted, without its snapshot" recover --id 1 --dir "$dir/left"
sed -n 2p "$dir/out" >"$dir/line" && mv "$dir/line" "$dir/out"
golden "recover that was interrupted, without its snapshot, output" <<'END'
  interrupted  this is a cluster of its own already; the next start, or --force, completes it, with the snapshots that it was begun with
END
FAKE_RECOVER=EUCLEAN run 1 "recover of a damaged log" recover --id 1 --dir "$dir/left"
sed -n 4p "$dir/out" >"$dir/line" && mv "$dir/line" "$dir/out"
golden "recover of a damaged log, output" <<'END'
  damaged      11 to 12 are lost
END
complains "recover of a damaged log, why" "is damaged, or"
for error in EOPNOTSUPP ENOENT ENODATA ENOSPC EUCLEAN; do
	FAKE_RECOVER=$error run 1 "recover --force, $error" recover --id 1 --dir "$dir/left" --force
done
FAKE_RECOVER=EOPNOTSUPP run 1 "recover of a witness" recover --id 1 --dir "$dir/left"
complains "recover of a witness, why" "is a witness"
FAKE_CALL=EBUSY run 1 "recover of a group that runs" recover --id 1 --dir "$dir/left"
complains "recover of a group that runs, why" "the group runs"
FAKE_CALL=EEXIST run 1 "recover of another node's log" recover --id 1 --dir "$dir/left"
complains "recover of another node's log, why" "of another node"
run 1 "recover of no log" recover --id 1 --dir "$dir/none"
complains "recover of no log, why" "there is no"
run 1 "recover without --id" recover --dir "$dir/left"
run 1 "recover of nothing" recover --id 1
run 1 "recover of two logs" recover --id 1 --dir "$dir/left" --wal "$dir/left/wal"

### changing the members

FAKE_SCENE=changing run 0 "members that change" members
golden "members that change, output" <<'END'
  id  role                address             active  last contact  rtt  lag  match_index  progress  in flight  level  to come
   1  leaving             10.0.0.1:7400       yes            12 ms    -   10            0  probe     0          2      leaves
   2  leader (this node)  10.0.0.2:7400       -                  -    -    -            -  -         -          2
   3  learner             [2001:db8::3]:7400  no             never    -   10            0  probe     0          1      replaces 2 once it has caught up
END
FAKE_SCENE=changing run 0 "members that change --json" members --json
python3 -c 'import json, sys
o = json.load(sys.stdin)
assert o["changing"] and o["configuration_index"] == 1
assert [p["kind"] for p in o["members"]] == ["leaving", "voter", "learner"]
assert [p["old_voter"] for p in o["members"]] == [True, True, False]
assert [p["auto_promote"] for p in o["members"]] == [False, False, True]
assert [p["replaces"] for p in o["members"]] == [0, 0, 2]' <"$dir/out"
verdict $? "members that change --json, fields"
FAKE_SCENE=changing run 0 "status while an upgrade is under way" status
grep level "$dir/out" | head -n 1 >"$dir/line" && mv "$dir/line" "$dir/out"
golden "status while an upgrade is under way, output" <<'END'
  level    1, until every member has more, as this node does
END
FAKE_SCENE=joining run 2 "status of a node without members" status
sed -n 2p "$dir/out" >"$dir/line" && mv "$dir/line" "$dir/out"
golden "status of a node without members, output" <<'END'
  cluster  0123456789abcdef, waits to be added to it
END
FAKE_SCENE=joining run 0 "members of a node without" members

export FAKE_CHANGE_OUT="$dir/change"
run 0 "members add" members add 4=10.0.0.4:7400 "5=[2001:db8::5]:7400"
golden "members add, output" <<'END'
node 4: added, as a learner
node 5: added, as a learner
the members as of index 9

on the machine of node 4:
  raftctl start --join --cluster-id 0123456789abcdef --id 4 --listen 10.0.0.4:7400 --dir /var/lib/raftlog --size 268500992 --max-entry 2097152

on the machine of node 5:
  raftctl start --join --cluster-id 0123456789abcdef --id 5 --listen [2001:db8::5]:7400 --dir /var/lib/raftlog --size 268500992 --max-entry 2097152
END
cp "$dir/change" "$dir/out"
golden "members add, what the kernel gets" <<'END'
type 1 flags 0 id 4 new 0 10.0.0.4 7400
type 1 flags 0 id 5 new 0 2001:db8::5 7400
END
# words NAME EXPECTED ARGS...: what the kernel gets
words() {
	action=$1
	expected=$2
	shift 2
	run 0 "members $action" members "$@"
	cp "$dir/change" "$dir/out"
	printf '%s\n' "$expected" | golden "members $action, what the kernel gets"
}
words "add --auto-promote" "type 1 flags 1 id 4 new 0 10.0.0.4 7400" \
	add --auto-promote 4=10.0.0.4:7400
words "add --witness" "type 1 flags 3 id 4 new 0 10.0.0.4 7400" \
	add 4=10.0.0.4:7400 --witness --auto-promote
words "promote" "type 2 flags 0 id 4 new 0
type 2 flags 0 id 5 new 0" promote 4 5
words "demote" "type 3 flags 0 id 4 new 0" demote 4
words "demote --auto-promote" "type 3 flags 1 id 4 new 0" demote 4 --auto-promote
words "remove" "type 4 flags 0 id 4 new 0
type 4 flags 0 id 5 new 0" remove 4 5
words "set-address" "type 5 flags 0 id 4 new 0 10.0.0.9 7401" set-address 4=10.0.0.9:7401
words "replace --witness" "type 6 flags 2 id 4 new 6 10.0.0.6 7400" \
	replace --witness 4 6=10.0.0.6:7400
words "replace" "type 6 flags 0 id 4 new 6 10.0.0.6 7400" replace 4 6=10.0.0.6:7400
run 0 "members add --json" members add --json 4=10.0.0.4:7400
python3 -c 'import json, sys
o = json.load(sys.stdin)
assert o["index"] == 9 and o["cluster_id"] == "0123456789abcdef"
assert o["start"][0]["id"] == 4
assert "--join --cluster-id 0123456789abcdef --id 4" in o["start"][0]["command"]' <"$dir/out"
verdict $? "members add --json, fields"
rm "$dir/change"
run 1 "members, no such action" members frob 4
run 1 "members promote of nobody" members promote
run 1 "members promote of node 0" members promote 0
run 1 "members promote of what is no number" members promote 4x
run 1 "members promote --auto-promote" members promote --auto-promote 4
run 1 "members --auto-promote of nothing" members --auto-promote
run 1 "members demote --witness" members demote --witness 4
run 1 "members add without an address" members add 4
run 1 "members add where nobody can be reached" members add 4=0.0.0.0:7400
run 1 "members replace by nobody" members replace 4
run 1 "members replace, one word too few" members replace 4 5=10.0.0.5:7400 6
# shellcheck disable=SC2046 # many words
run 1 "members remove, too many" members remove $(seq 33)
[ ! -e "$dir/change" ]
verdict $? "members, wrong words do not reach the kernel"
for error in ENOENT EEXIST EALREADY E2BIG EHOSTUNREACH EINPROGRESS ENOSPC EINVAL ECANCELED EPERM \
	ENOTCONN; do
	FAKE_CHANGE=$error run 1 "members, $error" members remove 4
	[ -s "$dir/err" ]
	verdict $? "members, $error, says why"
done
for error in ETIMEDOUT EINTR ESHUTDOWN EIO; do
	FAKE_CHANGE=$error run 4 "members, $error" members remove 4
	complains "members, $error, may yet come" "it may yet come"
done
FAKE_CHANGE=EREMOTE FAKE_SCENE=follower run 1 "members on a follower" members remove 4
complains "members on a follower, why" "node 1 leads, not this one"
grep -q "run it on node 1, 10.0.0.1:7400" "$dir/err"
verdict $? "members on a follower says who leads, and where"
FAKE_CHANGE=EREMOTE FAKE_SCENE=candidate run 1 "members without a leader" members remove 4
complains "members without a leader, why" "knows no leader"
FAKE_CHANGE=EBUSY FAKE_CHANGE_TIMES=2 run 0 "members waits for another change" members remove 4
FAKE_CHANGE=EBUSY run 1 "members, another change does not end" members remove 4 --timeout 0.2
complains "members, another change does not end, why" "another change is under way"
FAKE_SCENE=stopped run 1 "members, a change in a stopped group" members remove 4
unset FAKE_CHANGE_OUT

### append

run 0 "append" append hello world
golden "append, output" <<'END'
index 9 term 4
index 10 term 4
END
run 0 "append --json" append --json hello
golden "append --json, output" <<'END'
{"index":9,"term":4,"bytes":5}
END
run 0 "append --quiet" append -q hello
golden "append --quiet, output" </dev/null
run 0 "append of what looks like an option" append -- -x
printf 'one\n\ntwo\nthree' | "$raftctl" append - >"$dir/out" 2>"$dir/err"
verdict $? "append of lines"
golden "append of lines, output" <<'END'
index 9 term 4
index 10 term 4
index 11 term 4
END
complains "append of lines, empty one" "passed over 1 empty line"
head -c 5000000 /dev/zero | "$raftctl" append - >"$dir/out" 2>"$dir/err"
[ $? = 3 ]
verdict $? "append of a line that is too long"
complains "append of a line that is too long, why" "EMSGSIZE"
head -c 4194304 /dev/zero >"$dir/file"
run 0 "append of a file of 4 MiB" append --file "$dir/file"
echo >>"$dir/file"
run 3 "append of a file that is too large" append --file "$dir/file"
run 1 "append of a file that is not there" append --file "$dir/none"
: >"$dir/file"
run 3 "append of an empty file" append --file "$dir/file"
run 3 "append of an empty text" append ""
run 1 "append of nothing" append
run 0 "append in a session" append --session a hello world
golden "append in a session, output" <<'END'
index 9 term 4 sequence 5
index 10 term 4 sequence 6
END
run 0 "append of a sequence" append --json --session a --sequence 3 hello
golden "append of a sequence, output" <<'END'
{"index":9,"term":4,"bytes":5,"sequence":3}
END
run 1 "append of a sequence of no session" append --sequence 3 hello
run 1 "append of sequence 0" append --session a --sequence 0 hello
run 1 "append in a session without a name" append --session "" hello
FAKE_SESSION=EHOSTUNREACH run 3 "append in a session that does not open" append --session a hello
run 0 "sessions" sessions
golden "sessions, output" <<'END'
key                 created     opened       used last_sequence last_index
c2c0bdbf4d955b86          2          9          9             4          7
END
run 0 "sessions --json" sessions --json
golden "sessions --json, output" <<'END'
{"index":9,"sessions":[{"key":"c2c0bdbf4d955b86","created":2,"opened":9,"used":9,"last_sequence":4,"last_index":7}]}
END
run 1 "sessions of what" sessions now
run 1 "append of text and file" append --file "$dir/file" text
for error in EAGAIN EMSGSIZE ENOSPC ENOTCONN EPERM EINVAL EHOSTUNREACH; do
	FAKE_APPEND=$error run 3 "append, $error" append hello
	complains "append, $error, is not in the log" "($error): the entry is not in the log"
done
for error in ETIMEDOUT EINTR ESHUTDOWN EIO ESTALE ERANGE; do
	FAKE_APPEND=$error run 4 "append, $error" append hello
	complains "append, $error, may be in the log" "($error): the entry may be in the log"
done
FAKE_APPEND=ENOMEM run 4 "append, an errno the ABI does not name" append hello
FAKE_APPEND=ENOSPC FAKE_APPEND_AFTER=2 run 3 "append ends at the first error" append a b c d
golden "append ends at the first error, output" <<'END'
index 9 term 4
index 10 term 4
END
complains "append says how many are in" "2 before it are in"

### read, tail

run 0 "read" read
printf '3\t2\thello\n4\t2\ttab\\there\\n\\\\"\n5\t2\t\\x00\\x01\\xff\\x1b\n7\t3\tgr\303\274\303\237\n' |
	golden "read, output"
run 0 "read --json" read --json
is_json "read --json is JSON"
golden "read --json, output" <<'END'
{"index":3,"term":2,"type":"data","bytes":5,"payload":"hello"}
{"index":4,"term":2,"type":"data","bytes":11,"payload":"tab\u0009here\n\\\""}
{"index":5,"term":2,"type":"data","bytes":4,"payload_base64":"AAH/Gw=="}
{"index":7,"term":3,"type":"data","bytes":6,"payload":"grüß"}
END
run 0 "read --raw" read --raw
printf 'hellotab\there\n\\"\000\001\377\033gr\303\274\303\237' | golden "read --raw, output"
run 0 "read --lines" read --lines --to 3
golden "read --lines, output" <<'END'
hello
END
run 0 "read of a range" read --from 2 --to 3
printf '3\t2\thello\n' | golden "read of a range, output"
run 0 "read --count" read --count 1
printf '3\t2\thello\n' | golden "read --count, output"
run 0 "read behind the end" read --from 9
golden "read behind the end, output" </dev/null
run 0 "read of an empty range" read --from 5 --to 4
golden "read of an empty range, output" </dev/null
run 0 "read --internal" read --internal --from 6
printf '6\t3\t<noop>\n7\t3\tgr\303\274\303\237\n8\t4\t<noop>\n' | golden "read --internal, output"
run 0 "read --sum" read --sum
golden "read --sum, output" <<'END'
sum 9e0f97d5ca7167cf first 3 last 7 count 4 bytes 26
END
run 0 "read --sum of nothing" read --sum --from 9
golden "read --sum of nothing, output" <<'END'
sum cbf29ce484222325 first 0 last 0 count 0 bytes 0
END
run 0 "read --sum --json" read --sum --json
is_json "read --sum --json is JSON"
run 0 "read --linearizable" read --linearizable --internal --from 6
printf '6\t3\t<noop>\n7\t3\tgr\303\274\303\237\n' | golden "read --linearizable ends with what was committed"
run 0 "read --linearizable --to" read --linearizable --lease --timeout 2 --to 3
printf '3\t2\thello\n' | golden "read --linearizable --to, output"
FAKE_SCENE=candidate run 1 "read --linearizable without a leader" read --linearizable
golden "read --linearizable without a leader, output" </dev/null
complains "read --linearizable without a leader, why" "no leader"
FAKE_READ_INDEX=ETIMEDOUT run 1 "read --linearizable without an answer" read --linearizable
golden "read --linearizable without an answer, output" </dev/null
complains "read --linearizable without an answer, why" "did not answer"
FAKE_READ_INDEX=ESHUTDOWN run 1 "read --linearizable of a group that stops" read --linearizable
complains "read --linearizable of a group that stops, why" "stopped"
run 1 "read --lease alone" read --lease
complains "read --lease alone, why" "--linearizable"
run 0 "tail --linearizable" tail --linearizable -n 1
printf '7\t3\tgr\303\274\303\237\n' | golden "tail --linearizable, output"
run 1 "read --follow ends with the group" read --follow --from 7
printf '7\t3\tgr\303\274\303\237\n' | golden "read --follow, output"
complains "read --follow, why it ended" "stopped"
run 0 "tail" tail -n 2
printf '5\t2\t\\x00\\x01\\xff\\x1b\n7\t3\tgr\303\274\303\237\n' | golden "tail, output"
run 0 "tail of more than there is" tail -n 99 --lines --json
run 1 "tail of a range" tail --from 3
FAKE_SCENE=stopped run 1 "read of a stopped group" read
complains "read of a stopped group, why" "is not started"
"$raftctl" read >/dev/full 2>"$dir/err"
[ $? = 1 ]
verdict $? "output that cannot be written"
complains "output that cannot be written, why" "cannot write"

### wait, events

run 0 "wait" wait
golden "wait, output" <<'END'
leader 2 role leader term 4 commit_index 8
END
run 0 "wait --json" wait --json --role leader --commit 8
is_json "wait --json is JSON"
FAKE_SCENE=candidate run 2 "wait --leader, none comes" wait --leader --timeout 0.1
complains "wait --leader, why" "timed out: no leader"
FAKE_SCENE=candidate FAKE_ELECTION=1 run 0 "wait --leader, one comes" wait --leader --timeout 5
run 2 "wait --commit, not yet" wait --commit 9 --timeout 0
run 2 "wait --role, another" wait --role follower --timeout 0
run 1 "wait --role, no such" wait --role king
FAKE_SCENE=stopped run 1 "wait in a stopped group" wait
FAKE_SCENE=failed run 1 "wait in a failed group" wait
run 0 "events" events
golden "events, output" <<'END'
2023-11-14 22:13:20.123456     1  (0) follower -> follower: started, no leader, term 1, commit_index 1
2023-11-14 22:13:21.000000     2  (1) follower -> pre_candidate: election timeout, no leader, term 1, commit_index 1
2023-11-14 22:13:22.000000     3  (3) candidate -> leader: a majority voted for it, leader 2, term 2, commit_index 1
2023-11-14 22:13:23.000000     4  leader 1, term 3, commit_index 2
2023-11-14 22:13:24.000000     5  group stopped
END
run 0 "events --after" events --after 4 --json
is_json "events --json is JSON"
[ "$(wc -l <"$dir/out")" = 1 ]
verdict $? "events --after, output"

### start

blank=$dir/blank
data=$dir/data
export FAKE_START_OUT="$dir/start"
peers="--peer 1=10.0.0.1:7400 --peer 2=10.0.0.2:7400"

run 1 "start without --id" start --listen 10.0.0.2:7400 --dir "$dir/a"
complains "start without --id, why" "--id"
run 1 "start without a log" start --key test --id 2 --listen 10.0.0.2:7400
run 1 "start with two logs" start --key test --id 2 --listen 10.0.0.2:7400 --dir "$dir/a" --wal "$dir/b"
run 1 "start with a bad address" start --key test --id 2 --listen 10.0.0.2 --dir "$dir/a"
complains "start with a bad address, why" "--listen 10.0.0.2: a port is missing"
run 1 "start with a bad peer" start --key test --id 2 --peer 10.0.0.1:7400
run 1 "start with peer 0" start --key test --id 2 --peer 0=10.0.0.1:7400
run 1 "start, heartbeat 0" start --heartbeat 0
run 1 "start, heartbeat too slow" start --key test --id 2 --dir "$dir/a" --heartbeat 251
complains "start, heartbeat too slow, why" "more than half of the election timeout, 500"
run 1 "start without a key" start --id 2 --listen 10.0.0.2:7400 --dir "$dir/a"
complains "start without a key, why" "--key is missing"
run 1 "start with a key and without" start --id 2 --listen 10.0.0.2:7400 --dir "$dir/a" \
	--key test --insecure
run 1 "start with no name for a key" start --id 2 --listen 10.0.0.2:7400 --dir "$dir/a" \
	--key "a b"
run 1 "start, cluster name too long" start --cluster 123456789012345678901234567890123
run 1 "start when it runs" start --key test --id 2 --listen 10.0.0.2:7400 --dir "$dir/a"
complains "start when it runs, why" "runs already, as node 2"
[ ! -e "$dir/a/wal" ]
verdict $? "start when it runs makes no log"

export FAKE_SCENE=stopped
run 1 "start where nobody can reach it" start --key test --id 2 --listen 0.0.0.0:7400 --dir "$dir/a" --format
complains "start where nobody can reach it, why" "cannot reach node 2"
run 1 "start, two nodes of one id" start --key test --id 2 --listen 10.0.0.2:7400 --dir "$dir/a" \
	--peer 1=10.0.0.1:7400 --peer 1=10.0.0.3:7400 --format
complains "start, two nodes of one id, why" "node 1 is given twice"
run 1 "start, two nodes of one address" start --key test --id 2 --listen 10.0.0.2:7400 --dir "$dir/a" \
	--peer 1=10.0.0.2:7400 --format
complains "start, two nodes of one address, why" "nodes 1 and 2 have the same address"
run 1 "start, a witness that is no member" start --key test --id 2 --listen 10.0.0.2:7400 \
	--dir "$dir/a" --peer 1=10.0.0.1:7400 --witness 3 --format
complains "start, a witness that is no member, why" "--witness 3: no such member"
run 1 "start, too many witnesses" start --key test --id 2 --listen 10.0.0.2:7400 --dir "$dir/a" \
	--peer 1=10.0.0.1:7400 --peer 3=10.0.0.3:7400 --witness 1 --witness 2 --format
complains "start, too many witnesses, why" "more than half of the members"
"$raftctl" start --key test --id 2 --listen 10.0.0.2:7400 --dir "$dir/probe" --size 1M --format \
	>/dev/null 2>"$dir/err"
if grep -q "direct I/O" "$dir/err"; then
	echo "ok - raftctl: start # SKIP no direct I/O in $dir"
	exit $((n_failed != 0))
fi

# shellcheck disable=SC2086 # the peers are many words
run 0 "start, new log" start --key test --id 2 --dir "$dir/a" --size 2M $peers --peer "3=[2001:db8::3]:7400" \
	--format --cluster test --election-timeout 300 --heartbeat 30 --append-timeout 2000 --max-entry 2M \
	--datagram 8K --cache 16M --inflight 4M --inflight-messages 32 \
	--retain-bytes 1M --retain-entries 5000 --snapshot-trailing 100 --snapshot-rate 1M
golden "start, new log, output" <<END
node 2 started, 3 members, new log $dir/a/wal (2.0 MiB)
END
cp "$dir/start" "$dir/out"
golden "start, what the kernel gets" <<'END'
flags 1 node 2 snapshots 1 1 cluster test
listen 10.0.0.2 7400
member 1 kind 0 10.0.0.1 7400
member 2 kind 0 10.0.0.2 7400
member 3 kind 0 2001:db8::3 7400
timers 300 30 2000 entry 2097152 datagram 8192
cache 16777216 inflight 4194304 32
retain 1048576 5000
snapshot 100 1048576
key test
END
[ "$(stat -c '%s %a' "$dir/a/wal")" = "2097152 600" ] && [ ! -e "$dir/a/wal.new" ] &&
	cmp -s -n 2097152 "$dir/a/wal" /dev/zero
verdict $? "start, new log is zeros, all of it, and nobody else's to read"
run 0 "start, existing log" start --key test --id 2 --dir "$dir/a"
cp "$dir/start" "$dir/out"
golden "start, existing log, what the kernel gets" <<'END'
flags 0 node 2 snapshots 1 1 cluster 
listen none 0
timers 0 0 0 entry 0 datagram 0
cache 0 inflight 0 0
retain 0 0
snapshot 0 0
key test
END
run 0 "start, address others see" start --key test --id 2 --dir "$dir/b" --size 1M --listen 0.0.0.0:7400 \
	--advertise 10.0.0.2:7400 --peer 1=10.0.0.1:7400 --format
sed -n 2,4p "$dir/start" >"$dir/out"
golden "start, address others see, what the kernel gets" <<'END'
listen 0.0.0.0 7400
member 1 kind 0 10.0.0.1 7400
member 2 kind 0 10.0.0.2 7400
END
run 0 "start --join" start --key test --id 2 --dir "$dir/j" --size 1M --listen 0.0.0.0:7400 \
	--join --cluster-id 0123456789abcdef
grep -q "waits to be added to cluster 0123456789abcdef, new log" "$dir/out"
verdict $? "start --join, output"
sed -n 1,3p "$dir/start" >"$dir/out"
golden "start --join, what the kernel gets" <<'END'
flags 5 node 2 snapshots 1 1 cluster 
listen 0.0.0.0 7400
joins 0123456789abcdef
END
run 0 "start --join, existing log" start --key test --id 2 --dir "$dir/j" --listen 0.0.0.0:7400 \
	--join --cluster-id 0123456789abcdef
grep -q '^flags 4' "$dir/start"
verdict $? "start --join formats no existing log"
for wrong in "--join" "--cluster-id 5" "--join --cluster-id 0" "--join --cluster-id xyz" \
	"--join --cluster-id 5 --peer 1=10.0.0.1:7400" "--join --cluster-id 5 --cluster test" \
	"--join --cluster-id -5" "--join --cluster-id 5 --advertise 10.0.0.2:7400" \
	"--join --cluster-id 12345678123456781"; do
	# shellcheck disable=SC2086 # many words
	run 1 "start $wrong" start --key test --id 2 --dir "$dir/k" --listen 10.0.0.2:7400 $wrong
done
run 1 "start --join without --listen" start --key test --id 2 --dir "$dir/k" --join --cluster-id 5
complains "start --join without --listen, why" "--listen is missing"
[ ! -e "$dir/k" ]
verdict $? "start --join, wrong, makes no log"
run 1 "start alone, unasked" start --key test --id 2 --dir "$dir/l" --size 1M --listen 10.0.0.2:7400
complains "start alone, unasked, why" "there is no log"
# shellcheck disable=SC2086 # the peers are many words
run 1 "start with peers, unasked" start --key test --id 2 --dir "$dir/l" --size 1M $peers
complains "start with peers, unasked, why" "there is no log"
[ ! -e "$dir/l/wal" ]
verdict $? "start, unasked, makes no log"
run 0 "start alone" start --key test --id 2 --dir "$dir/l" --size 1M --listen 10.0.0.2:7400 --format
[ "$(grep -c '^member' "$dir/start")" = 1 ] && grep -q '^flags 1' "$dir/start"
verdict $? "start alone, what the kernel gets"
FAKE_START=EADDRINUSE run 1 "start fails" start --key test --id 2 --dir "$dir/c" --size 1M \
	--listen 10.0.0.2:7400 --format
complains "start fails, why" "the address is in use: 10.0.0.2:7400"
[ ! -e "$dir/c/wal" ] && [ ! -e "$dir/c/wal.new" ]
verdict $? "start fails and leaves no log"
for error in EEXIST ENODATA EUCLEAN EPROTONOSUPPORT EADDRNOTAVAIL ENOSPC EPERM EINVAL EIO EBUSY; do
	FAKE_START=$error run 1 "start, $error" start --key test --id 2 --dir "$dir/a"
	[ "$(wc -l <"$dir/err")" = 2 ] && [ -e "$dir/a/wal" ]
	verdict $? "start, $error, says what to do and keeps the log"
done

FAKE_START=ENOKEY run 1 "start, no such key" start --key test --id 2 --dir "$dir/a"
complains "start, no such key, why" "there is no key 'test'"
run 0 "start --insecure" start --insecure --id 2 --dir "$dir/a"
grep -q '^flags 8' "$dir/start" && grep -q '^key $' "$dir/start"
verdict $? "start --insecure, what the kernel gets"

head -c 1048576 /dev/zero >"$blank"
run 0 "start --format on zeros" start --key test --id 2 --wal "$blank" --format --listen 10.0.0.2:7400
grep -q '^flags 1' "$dir/start"
verdict $? "start --format on zeros formats"
head -c 1048576 /dev/zero | tr '\000' x >"$data"
run 1 "start --format on data" start --key test --id 2 --wal "$data" --format --listen 10.0.0.2:7400
complains "start --format on data, why" "is not empty"
run 0 "start --format --force on data" start --key test --id 2 --wal "$data" --format --force \
	--listen 10.0.0.2:7400
run 1 "start --force alone" start --key test --id 2 --wal "$data" --force
truncate -s 1M "$dir/holes"
run 1 "start on a file with holes" start --key test --id 2 --wal "$dir/holes" --format --listen 10.0.0.2:7400
complains "start on a file with holes, why" "has holes"
run 1 "start on a directory" start --key test --id 2 --wal "$dir"
run 1 "start on no device" start --key test --id 2 --wal /dev/nosuch --listen 10.0.0.2:7400 --format
run 1 "start without the directory above" start --key test --id 2 --dir "$dir/x/y" --listen 10.0.0.2:7400 --format
flock "$dir/a/wal" "$raftctl" start --key test --id 2 --dir "$dir/a" >"$dir/out" 2>"$dir/err"
[ $? = 1 ]
verdict $? "start on a log in use"
complains "start on a log in use, why" "is in use"
unset FAKE_SCENE FAKE_START_OUT

### the rest

run 0 "stop" stop
FAKE_SCENE=stopped run 1 "stop of a stopped group" stop
export FAKE_SNAPSHOT="$dir/snapshot"
printf 'the state' >"$dir/state"
run 0 "snapshot create" snapshot create --file "$dir/state"
golden "snapshot create, output" <<'END'
snapshot of entry 1234, 9 B
END
cmp -s "$dir/state" "$dir/snapshot"
verdict $? "snapshot create, what the kernel gets"
run 0 "snapshot create of an entry" snapshot create --index 7 --json --file "$dir/state"
is_json "snapshot create --json is JSON"
run 0 "snapshot read" snapshot read
cp "$dir/state" "$dir/want"
cmp -s "$dir/want" "$dir/out"
verdict $? "snapshot read, output"
run 0 "snapshot read to a file" snapshot read --file "$dir/copy"
cmp -s "$dir/want" "$dir/copy"
verdict $? "snapshot read to a file, contents"
run 0 "snapshot info" snapshot info
golden "snapshot info, output" <<'END'
no snapshot
END
run 0 "snapshot info --json" snapshot info --json
is_json "snapshot info --json is JSON"
run 1 "snapshot of nothing" snapshot create </dev/null
complains "snapshot of nothing, why" "there is no data"
FAKE_SNAPSHOT_ERROR=EBUSY run 1 "snapshot, no room" snapshot create --file "$dir/state"
complains "snapshot, no room, why" "no room for another snapshot"
FAKE_SNAPSHOT_ERROR=EOPNOTSUPP run 1 "snapshot of a node without" snapshot create --file "$dir/state"
complains "snapshot of a node without, why" "keeps no snapshots"
FAKE_SCENE=stopped run 1 "snapshot in a stopped group" snapshot create --file "$dir/state"
rm "$dir/snapshot"
run 1 "snapshot read, none" snapshot read
complains "snapshot read, none, why" "there is no snapshot"
run 1 "snapshot without a word" snapshot
run 1 "snapshot of a missing file" snapshot create --file "$dir/nowhere"
run 1 "snapshot info of an entry" snapshot info --index 7
export FAKE_KEY="$dir/key"
run 0 "key generate" key generate
cp "$dir/out" "$dir/first"
run 0 "key generate, another" key generate
grep -qE '^[0-9a-f]{64}$' "$dir/out" && ! cmp -s "$dir/first" "$dir/out"
verdict $? "key generate makes a new one each time"
run 0 "key generate --file" key generate --file "$dir/secret"
[ "$(stat -c %a "$dir/secret")" = 600 ] && grep -qE '^[0-9a-f]{64}$' "$dir/secret"
verdict $? "key generate --file, nobody else's to read"
run 1 "key generate over another" key generate --file "$dir/secret"
run 0 "key install" key install cluster --file "$dir/secret"
[ "$(cat "$dir/key")" = "cluster $(cat "$dir/secret")" ]
verdict $? "key install, what the kernel gets"
chmod 644 "$dir/secret"
run 0 "key install of a file of everybody" key install cluster --file "$dir/secret"
complains "key install of a file of everybody, says so" "others can read it"
"$raftctl" key install cluster <"$dir/secret" && [ "$(cat "$dir/key")" = "cluster $(cat "$dir/secret")" ]
verdict $? "key install from standard input"
for wrong in '' 0123 "$(tr a-f A-F <"$dir/secret")A" "$(cat "$dir/secret")0" "x$(cut -c 2- "$dir/secret")"; do
	printf %s "$wrong" >"$dir/wrong"
	run 1 "key install of '$(printf %.5s "$wrong")...'" key install cluster --file "$dir/wrong"
done
complains "key install of no key, why" "64 digits"
run 1 "key install without a name" key install
run 1 "key install of a bad name" key install "a b" --file "$dir/secret"
run 0 "key rotate --next" key rotate --next b
[ "$(cat "$dir/key")" = "step 0 grace 0 name b" ]
verdict $? "key rotate --next, what the kernel gets"
run 0 "key rotate --switch" key rotate --switch
[ "$(cat "$dir/key")" = "step 1 grace 60000 name " ]
verdict $? "key rotate --switch, what the kernel gets"
run 0 "key rotate --switch --grace" key rotate --switch --grace 0.5 --json
is_json "key rotate --json is JSON"
[ "$(cat "$dir/key")" = "step 1 grace 500 name " ]
verdict $? "key rotate --switch --grace, what the kernel gets"
run 0 "key rotate --drop" key rotate --drop
[ "$(cat "$dir/key")" = "step 2 grace 0 name " ]
verdict $? "key rotate --drop, what the kernel gets"
run 1 "key rotate of nothing" key rotate
run 1 "key rotate of two steps" key rotate --switch --drop
run 1 "key rotate, grace of a drop" key rotate --drop --grace 1
run 1 "key of nothing" key
FAKE_CALL=ENOKEY run 1 "key rotate, no such key" key rotate --next b
complains "key rotate, no such key, why" "there is no key 'b'"
FAKE_CALL=ENOKEY run 1 "key rotate, no next key" key rotate --switch
complains "key rotate, no next key, why" "there is no next key"
FAKE_CALL=EOPNOTSUPP run 1 "key rotate of an insecure group" key rotate --switch
complains "key rotate of an insecure group, why" "with --insecure"
FAKE_SCENE=keyed run 0 "status with a key" status
grep -q '^  security encrypted with key a, still takes b$' "$dir/out" &&
	grep -q '^  dropped  replay 7$' "$dir/out"
verdict $? "status with a key, output"
FAKE_SCENE=keyed run 0 "status with a key --json" status --json
is_json "status with a key --json is JSON"
run 0 "transfer" transfer
golden "transfer, output" <<'END'
node 3 leads
END
run 0 "transfer to a node" transfer 1
golden "transfer to a node, output" <<'END'
node 1 leads
END
run 0 "transfer --json" transfer 1 --json
is_json "transfer --json is JSON"
run 1 "transfer to node 0" transfer 0
run 1 "transfer to two nodes" transfer 1 3
FAKE_SCENE=stopped run 1 "transfer in a stopped group" transfer
FAKE_SCENE=follower FAKE_TRANSFER=EREMOTE run 1 "transfer on a follower" transfer
complains "transfer on a follower, why" "node 1 leads, not this one"
while read -r errno words; do
	FAKE_TRANSFER=$errno run 1 "transfer, $errno" transfer 3
	complains "transfer, $errno, why" "$words"
done <<'END'
ENOENT no such member
EOPNOTSUPP has no vote
EHOSTUNREACH does not answer
EAGAIN too far behind
EBUSY handing over already
ETIMEDOUT not taken over in time
EPERM not permitted
END
run 0 "version" version
golden "version, output" <<'END'
raftctl 0.1.0, ABI 1
module  9.9, ABI 1, WAL format 1, wire version 1, feature level 0
END
run 0 "version --json" --json version
is_json "version --json is JSON"
run 0 "set" set election-timeout=1000 cache=1M
grep -q '^election-timeout=1000$' "$dir/out" && grep -q '^cache=1048576$' "$dir/out" &&
	grep -q '^inflight=8388608$' "$dir/out"
verdict $? "set prints all of them"
run 0 "set what is kept" set retain-entries=5000000000 snapshot-rate=1M
grep -q '^retain-entries=5000000000$' "$dir/out" && grep -q '^retain-bytes=0$' "$dir/out" &&
	grep -q '^snapshot-rate=1048576$' "$dir/out"
verdict $? "set prints what is kept"
run 0 "set --json" set heartbeat=20 --json
is_json "set --json is JSON"
run 1 "set without a value" set heartbeat
run 1 "set of something else" set heartbeats=20
run 1 "set twice" set heartbeat=20 heartbeat=30
run 1 "set to no number" set heartbeat=fast
FAKE_CALL=EINVAL run 1 "set to what does not go together" set heartbeat=20
FAKE_SCENE=stopped run 1 "set of a stopped group" set heartbeat=20
run 0 "bench" bench --size 1K --inflight 4 --seconds 0.2 --warmup 0 --json
is_json "bench --json is JSON"
run 0 "bench --reads" bench --reads --lease --inflight 2 --seconds 0.2 --warmup 0 --json
is_json "bench --reads --json is JSON"
FAKE_APPEND=ESHUTDOWN run 1 "bench of a group that stops" bench --seconds 5 --warmup 0
grep -q 'ESHUTDOWN 1' "$dir/out"
verdict $? "bench counts errors"
FAKE_SCENE=stopped run 1 "bench of a stopped group" bench
run 1 "bench, too many" bench --inflight 100000
run 0 "bench --async" bench --size 1K --async 1000 --seconds 0.2 --warmup 0 --json
is_json "bench --async --json is JSON"
FAKE_APPEND=ESHUTDOWN run 1 "bench --async of a group that stops" \
	bench --async 8 --seconds 5 --warmup 0
run 1 "bench in two ways" bench --async 8 --inflight 8
run 1 "bench of reads in another way" bench --async 8 --reads
run 1 "no verb" --json
run 1 "no such verb" frobnicate
run 1 "no such option" status --frobnicate
complains "no such option, why" "there is no option --frobnicate"
run 1 "option without its argument" read --from
complains "option without its argument, why" "--from wants an argument"
run 1 "too many words" status now
run 0 "help" help
for verb in $("$raftctl" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	run 0 "help $verb" help "$verb"
	run 0 "$verb --help" "$verb" --help
done

exit $((n_failed != 0))
