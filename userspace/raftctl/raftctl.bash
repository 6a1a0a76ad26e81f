# SPDX-License-Identifier: GPL-2.0
# bash completion for raftctl(8)

_raftctl()
{
	local verbs='start stop set key status members transfer append read tail
		sessions snapshot wait events recover bench version help'
	local common='--device --group --json --help'
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' word i options

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-g | --group | --device) ((i++)) ;;
		-*) ;;
		*)
			verb=$word
			break
			;;
		esac
	done

	case $prev in
	--device)
		mapfile -t COMPREPLY < <(compgen -G '/dev/raftlog*' -- "$cur")
		return
		;;
	--dir | --snapshots)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--wal | --file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--role)
		mapfile -t COMPREPLY < <(compgen -W \
			'follower pre_candidate candidate leader learner' -- "$cur")
		return
		;;
	esac

	case $verb in
	'')
		options="$verbs $common"
		;;
	start)
		options="--id --listen --advertise --peer --cluster --join --cluster-id
			--dir --wal --size
			--format --force --election-timeout --heartbeat
			--append-timeout --max-entry --datagram --cache --inflight
			--inflight-messages --salvage --priority --witness
			--retain-bytes --retain-entries --snapshots
			--snapshot-trailing --snapshot-rate --key --insecure $common"
		;;
	key)
		options="generate install rotate --file --next --switch --grace --drop
			$common"
		;;
	snapshot)
		options="create read info --index --file $common"
		;;
	members)
		options="add promote demote remove set-address replace --auto-promote --witness
			--timeout $common"
		;;
	append)
		options="--file --quiet --timeout --session --sequence $common"
		;;
	read)
		options="--from --to --count --follow --raw --lines --sum --internal
			--linearizable --lease --timeout $common"
		;;
	tail)
		options="--count --follow --raw --lines --internal
			--linearizable --lease --timeout $common"
		;;
	wait)
		options="--leader --commit --role --timeout $common"
		;;
	events)
		options="--follow --after $common"
		;;
	recover)
		options="--id --dir --wal --snapshots --force --salvage $common"
		;;
	set)
		options="election-timeout= heartbeat= append-timeout= inflight=
			inflight-messages= cache= retain-entries=
			retain-bytes= snapshot-trailing= snapshot-rate= $common"
		;;
	bench)
		options="--size --reads --lease --inflight --async --seconds --warmup $common"
		;;
	help)
		options=$verbs
		;;
	*)
		options=$common
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
}

complete -F _raftctl raftctl
