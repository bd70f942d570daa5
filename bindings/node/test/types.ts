// The declarations as a program in TypeScript uses them. `npm run lint` checks it; nothing runs it.
import * as weave from '..';

const settings: weave.Settings = { offline: true, offlineDir: 'traces', maxFileSize: 10n ** 9n };
const client: weave.Client = weave.init('team/project', settings);

const add = weave.op((a: number, b: number) => a + b, { name: 'add', inputs: (a, b) => ({ a, b }) });
const sum: number = add(1, 2);
// @ts-expect-error: the arguments of an op are those of its function
add('1');

const stream = client.op('stream', async function* (n: number) { yield n; }, { kind: 'llm' });
const call: weave.Call = client.startCall('outer', { sum }, { threadId: 'session', startedAt: new Date() });
// @ts-expect-error: a session makes calls
new weave.Call();
// @ts-expect-error: there is no such option
client.startCall('f', {}, { colour: 'red' });

async function main(): Promise<void> {
  const id: string = call.run(() => client.logCall('inner', weave.rawJson('{}'), [1n]));
  for await (const n of stream(3)) call.addUsage('model', { prompt_tokens: n, prompt_tokens_details: { cached_tokens: 0 } });
  try {
    call.end(id);
    const signal = AbortSignal.timeout(1000);
    const results = await weave.sync({ offlineDir: 'traces', signal, onProgress: ({ synced }) => synced < 9 });
    const [synced, errors]: [number, number] = results['team/project'].calls;
    client.addFeedback(call, 'quality', { synced, errors });
  } catch (error) {
    if (error instanceof weave.WeaveError && error.code === 'WEAVE_INCOMPLETE') console.log(error.results);
    call.fail(error);
  }
  const rejected: weave.Rejected[] = await weave.listRejected({ kind: 'calls' });
  await weave.exportRejected({ toFile: rejected[0].id });
  await weave.finish({ timeout: 1000 });
}

main();
