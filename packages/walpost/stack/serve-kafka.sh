#!/usr/bin/env bash
# Starts a Kafka broker, and ends the transactions that it leaves open for ever and that Connect would wait for.
#
# usage: serve-kafka.sh <kafka-transactions and its servers> -- <the broker's command>
# KAFKA_NODE_ID and KAFKA_LOG_DIRS are the broker's.
#
# A broker that comes back, from its death or a long pause, has no leaders for its partitions for a moment. Up to Kafka
# 4.3.1 the coordinator takes such a partition for a deleted one, and forgets to end a decided transaction there
# (KAFKA-20734). Whoever reads committed records waits at that point, until the same producer's next transaction there
# ends both. Connect, which reads its own offsets before it writes anything, waits for ever. Without them it sends the
# last records again, which ends their transaction too; so they may be there twice.
# See docs/decisions/0016-end-hanging-transactions.md.
set -euo pipefail

offsets=walpost-connect-offsets

transactions=()
while [[ $1 != -- ]]; do transactions+=("$1"); shift; done
shift

kafka_transactions() { nice -n 19 "${transactions[@]}" "$@" < /dev/null; }

# Kafka notes every change of a partition's leader in a file of its own.
leaders() { cat "$KAFKA_LOG_DIRS/$offsets"-*/leader-epoch-checkpoint 2> /dev/null || true; }

end_hanging() { # Fails when it has to be tried again.
  local states hanging topic partition producer epoch coordinator _
  states=$(kafka_transactions list 2> /dev/null) || return
  hanging=$(kafka_transactions find-hanging --broker-id "$KAFKA_NODE_ID" --max-transaction-timeout 0 2> /dev/null) || return
  while read -r topic partition producer epoch coordinator _; do
    [[ $topic == "$offsets" ]] || continue
    echo "Ending a transaction that nobody else would: producer $producer in $topic/$partition"
    # Of this epoch only: a newer one is somebody's.
    kafka_transactions abort --topic "$topic" --partition "$partition" \
      --producer-id "$producer" --producer-epoch "$epoch" --coordinator-epoch "$coordinator" || return
  done <<< "$hanging"
  # One that is about to be ended may still be forgotten.
  [[ $states != *Prepare* ]]
}

watch_leaders() {
  local seen= now
  while kill -0 $$ 2> /dev/null; do # The broker takes over this shell's process.
    now=$(leaders)
    if [[ $now != "$seen" ]] && end_hanging; then seen=$now; fi
    sleep 3
  done
}

watch_leaders &
exec "$@"
