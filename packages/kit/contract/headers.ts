/**
 * The headers of every record, all of them text: CloudEvents 1.0's attributes as its Kafka protocol binding names them in
 * binary content mode (sections 3.2.1 and 3.2.3.1: `content-type` for the type of the data, `ce_` before all others;
 * github.com/cloudevents/spec, cloudevents/bindings/kafka-protocol-binding.md), a number for each event of a key in its
 * topic, and W3C's trace context.
 */
export const HEADERS = {
  specversion: 'ce_specversion',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  subject: 'ce_subject',
  time: 'ce_time',
  datacontenttype: 'content-type',
  version: 'aggregateversion',
  traceparent: 'traceparent',
} as const;
