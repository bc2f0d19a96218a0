export default async function teardown() {
  await globalThis.walpostStack.close();
}
