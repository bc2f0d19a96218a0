// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Connect fills these in
import type { Service, System } from '@walpost/kit/config';
import type { ConnectorFile } from './connector-files.ts';

/**
 * The Debezium connectors that post the services' events; why each setting is so is in connectors/README.md. What is in
 * `${env:…}` the Connect worker fills in from its environment.
 */
export function connectorsOf({ services }: System): ConnectorFile[] {
  return services.flatMap(({ database, publishes, serverPrefix }) =>
    publishes
      ? [{ name: publishes.connector, config: connectorConfig(publishes, database, serverPrefix) }]
      : [],
  );
}

/** Where a connector's file is, from the project's folder, and what `walpost generate` writes into it. */
export function connectorFile({ name, config }: ConnectorFile): [path: string, text: string] {
  return [`connectors/${name}.json`, `${JSON.stringify(config, null, 2)}\n`];
}

function connectorConfig(
  { topic, connector, slot, overrides }: NonNullable<Service['publishes']>,
  database: string,
  serverPrefix: string,
): ConnectorFile['config'] {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': `\${env:${serverPrefix}_HOST}`,
    'database.port': `\${env:${serverPrefix}_PORT}`,
    'database.user': 'cdc',
    'database.password': '${env:CDC_PASSWORD}',
    'database.sslmode': `\${env:${serverPrefix}_SSLMODE}`,
    'database.sslrootcert': `\${env:${serverPrefix}_CA_FILE}`,
    'driver.options':
      '-c bytea_output=hex -c statement_timeout=0 -c lock_timeout=0 -c transaction_timeout=0 -c idle_session_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off',
    'database.dbname': database,
    'topic.prefix': connector,
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'slot.failover': 'true',
    'publication.name': slot,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': 'public.outbox',
    'tombstones.on.delete': 'false',
    'snapshot.mode': 'when_needed',
    'snapshot.select.statement.overrides': 'public.outbox',
    'snapshot.select.statement.overrides.public.outbox':
      'SELECT * FROM public.outbox ORDER BY aggregateversion, created_at',
    'exactly.once.support': 'required',
    'transaction.boundary': 'poll',
    'poll.interval.ms': '${env:RELAY_POLL_MS}',
    'max.batch.size': '2048',
    'max.queue.size.in.bytes': '16777216',
    'heartbeat.interval.ms': '10000',
    'heartbeat.action.query': "SELECT pg_logical_emit_message(true, 'heartbeat', now()::text)",
    'message.prefix.exclude.list': '(?s).*',
    'retriable.restart.connector.wait.ms': '1000',
    'producer.override.transaction.timeout.ms': '5000',
    'producer.override.batch.size': '262144',
    'producer.override.buffer.memory': '33554432',
    'producer.override.max.request.size': '1048576',
    'producer.override.compression.type': 'none',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'header.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.debezium.converters.BinaryDataConverter',
    'value.converter.delegate.converter.type': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.delegate.converter.type.schemas.enable': 'false',
    transforms: 'outbox',
    'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
    'transforms.outbox.table.field.event.id': 'id',
    'transforms.outbox.table.field.event.key': 'aggregateid',
    'transforms.outbox.table.field.event.payload': 'payload',
    'transforms.outbox.route.by.field': 'aggregatetype',
    'transforms.outbox.route.topic.replacement': topic,
    'transforms.outbox.table.fields.additional.placement':
      'id:header:ce_id,type:header:ce_type,ce_source:header,aggregateid:header:ce_subject,created_at:header:ce_time,ce_specversion:header,content_type:header:content-type,aggregateversion:header,traceparent:header',
    'transforms.outbox.table.op.invalid.behavior': 'fatal',
    ...overrides,
  };
}
