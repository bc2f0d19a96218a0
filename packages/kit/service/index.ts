// What a service imports. Everything else of the package may be imported by its path, and may change with any release.
export { defineConfig, type ServiceConfig, type System } from '../config.ts';
export { type Handler, type HandlersOf, ignore } from '../consumer/handle-batch.ts';
export type { ReceivedEvent } from '../consumer/receive.ts';
export { type DomainEvent, defineContract, type EventData, type EventName } from '../contract/contract.ts';
export { BusyError, ConfigError } from '../errors.ts';
export type { App } from '../http/http.ts';
export { Count, Identifier, Text, Uuid } from '../http/inputs.ts';
export { Problem, problemResponse } from '../http/problem.ts';
export { newId } from '../new-id.ts';
export type { Db, Tx } from '../postgres/database.ts';
export { type NewEvent, runService, type ServiceBase, type ServiceParts } from './run-service.ts';
export { startWorker } from './worker.ts';
