// Suites that do not hurt one another, on one stack: a start takes half a minute of both cores.

// The first: it counts all that there is.
import './whole/outbox-replay.js';
import './whole/signals.js';
import './whole/console.js';
import './whole/main-path.js';
import './whole/trace.js';
import './whole/scenarios.js';
// The last: its thousand orders keep the mail catcher busy for a while.
import './whole/infrastructure-down.js';
