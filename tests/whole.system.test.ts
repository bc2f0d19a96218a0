// Suites that do not hurt one another, on one stack: a start takes half a minute of both cores.

// The first: it counts all that there is.
import './whole/outbox-replay.ts';
import './whole/signals.ts';
import './whole/console.ts';
import './whole/main-path.ts';
import './whole/trace.ts';
import './whole/scenarios.ts';
// The last: its thousand orders keep the mail catcher busy for a while.
import './whole/infrastructure-down.ts';
