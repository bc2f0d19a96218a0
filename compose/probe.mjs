// A container's health check, for an image without curl: node probe.mjs URL ends with 0 when the answer is 2xx.
const [url] = process.argv.slice(2);
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  // What is not ready says why; docker inspect shows it.
  if (!response.ok) console.log(`${url} answered ${response.status}: ${await response.text()}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(`${url}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
