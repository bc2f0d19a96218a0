// Jest needs Node's experimental VM modules; the warning about them, and no other, is left out.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).startsWith('VM Modules is an experimental feature')) {
    emitWarning.call(process, warning, ...rest);
  }
};
