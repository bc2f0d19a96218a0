/**
 * Makes a function that changes what a Kafka broker sends: wherever it names itself, host and port one after the other,
 * it names another port. Lengths stay as they are. Answers are passed on whole, so that a name is never cut in two.
 */
export function rewriteFrames(host: string, from: number, to: number): (chunk: Buffer) => Buffer {
  const wanted = address(host, from);
  const replacement = address(host, to);
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let whole = 0;
    while (pending.length >= whole + 4 && pending.length >= whole + 4 + pending.readInt32BE(whole))
      whole += 4 + pending.readInt32BE(whole);
    const frames = Buffer.from(pending.subarray(0, whole));
    pending = pending.subarray(whole);
    for (let at = frames.indexOf(wanted); at >= 0; at = frames.indexOf(wanted, at + wanted.length))
      replacement.copy(frames, at);
    return frames;
  };
}

function address(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(host.length + 4);
  bytes.write(host);
  bytes.writeInt32BE(port, host.length);
  return bytes;
}
