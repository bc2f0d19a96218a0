import { traceIdOf } from '../telemetry/trace.ts';
import { header, type Received, type ReceivedEvent } from './receive.ts';

/** What identifies something in a log line; undefined fields are left out. */
export interface LogFields {
  key?: string | undefined;
  event_id?: string | undefined;
  trace_id?: string | undefined;
}

/** Of a record, whether it could be read or not. */
export function recordFields({ key, id, message }: Received): LogFields {
  return { key, event_id: id, trace_id: traceIdOf(header(message.headers, 'traceparent')) };
}

/** Of an event. */
export function eventFields({ key, id, traceparent }: ReceivedEvent): LogFields {
  return { key, event_id: id, trace_id: traceIdOf(traceparent) };
}
