#!/usr/bin/env bash
# Makes Kafka's users and what each may do, and nothing more; safe to repeat. It runs in the broker's image, as the
# broker's own certificate, which is the only one that may do this.
set -euo pipefail

kafka=kafka:9094
as_broker=/etc/walpost/broker-client.properties

# As a file: every user of the machine may see a program's arguments. A backslash is an escape there.
user() { # NAME SECRET
  /opt/kafka/bin/kafka-configs.sh --bootstrap-server $kafka --command-config $as_broker --alter \
    --entity-type users --entity-name "$1" \
    --add-config-file <(sed 's/\\/&&/g; s/^/SCRAM-SHA-512=password=/' "/run/secrets/$2")
}
may() { # NAME what...
  local name=$1; shift
  /opt/kafka/bin/kafka-acls.sh --bootstrap-server $kafka --command-config $as_broker --add --force \
    --allow-principal "User:$name" "$@" > "/tmp/$name.log" || { cat "/tmp/$name.log"; return 1; }
}
# Each is a program of its own that takes two seconds to start, and 125 MB: four at once, or memory runs out.
all() { local job failed=0; for job in $(jobs -p); do wait "$job" || failed=1; done; return $failed; }

user order-service ORDER_KAFKA_PASSWORD &
user payment-service PAYMENT_KAFKA_PASSWORD &
user inventory-service INVENTORY_KAFKA_PASSWORD &
user notification-service NOTIFICATION_KAFKA_PASSWORD &
all
user connect CONNECT_KAFKA_PASSWORD &
user console CONSOLE_KAFKA_PASSWORD &
user operator OPERATOR_KAFKA_PASSWORD &
all

# A consumer reads its topics as a member of its group.
may order-service --operation Read --operation Describe --topic payment-events --topic inventory-events --group order-service &
may payment-service --operation Read --operation Describe --topic order-events --group payment-service &
may inventory-service --operation Read --operation Describe --topic order-events --group inventory-service &
may notification-service --operation Read --operation Describe --topic order-events --group notification-service &
all
# The relay writes the three topics and the heartbeats, in transactions, and keeps its own state.
(
  may connect --operation Write --operation Describe --topic order-events --topic payment-events --topic inventory-events
  may connect --operation Write --operation Describe --resource-pattern-type prefixed --topic __debezium-heartbeat.
  may connect --operation All --resource-pattern-type prefixed --topic walpost-connect- --group walpost-connect \
    --transactional-id walpost-connect --transactional-id connect-cluster-walpost-connect
) &
# The console looks at every group and topic, and reads topics as a group of its own that it deletes again.
(
  may console --operation Describe --group '*' --transactional-id '*'
  may console --operation Read --operation Describe --topic order-events --topic payment-events --topic inventory-events
  may console --operation Read --operation Delete --resource-pattern-type prefixed --group walpost-peek-
) &
# Whoever runs walpost makes topics, looks at groups and moves them.
may operator --operation All --topic '*' --group '*' --cluster &
may operator --operation Describe --transactional-id '*' &
all
echo "users and rules are there"
