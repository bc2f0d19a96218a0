// Suites that do not hurt one another, on one stack: a start takes half a minute of both cores.
import './whole/main-path.js';
import './whole/trace.js';
import './whole/scenarios.js';
// The last: its thousand orders keep the mail catcher busy for a while.
import './whole/infrastructure-down.js';
