// The agent session of tests/suite/scenario.md: logs offline and prints the id of the call `agent`.
//
//     node agent.js OFFLINE_DIR PROJECT
'use strict';

const weave = require('../bindings/node'); // a program of its own has require('libweave')

const MODEL = 'gpt-4o-mini';
const QUESTION = 'Where is order 9007199254740993?';
const ANSWER = 'Your order is in Köln. 📦';
const SYSTEM = { role: 'system', content: 'You are a support agent. Be brief.' };
const USER = { role: 'user', content: QUESTION };
const DECISION = { role: 'assistant', content: 'I look it up. 🔎' };
const REPLY = { role: 'assistant', content: ANSWER };
const LOOKUP = `def lookup_order(order_id, config):
    return ORDERS[order_id]  # späte Lieferung: siehe Köln
`;
const CONFIG = {
  prompt: 'You are a support agent. Be brief.', temperature: 0.2, tools: ['lookup_order', 'track_parcel'],
};
const ORDERS = [
  { question: QUESTION, expected: 'in Köln', weight: 1 },
  { question: 'Can I return it?', expected: 'within 30 days', weight: 0.5 },
  { question: '返品できますか?', expected: null, weight: 2 },
];
const DOCUMENTS = [
  { id: 'faq-12', score: 0.83, text: 'Parcels are tracked by the carrier.' },
  { id: 'faq-7', score: 0.61, text: 'Überweisungen dauern zwei Tage.' },
];
const LABEL = Buffer.from('89504e470d0a1a0a0000000d49484452000000080000000808020000004b6d29dc00000026494441'
  + '5478da63fcf5e1040336c0c4c0c020a5e223a5e203e1c3194c0c38003d241871391700656a071184'
  + '7abf0d0000000049454e44ae426082', 'hex');
const ODD = String.raw`
    {"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": NaN, "infinities": [Infinity, -Infinity],
     "lone": "a\ud800b", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": "weave:///nothing",
     "empty": {"object": {}, "list": [], "text": ""}}`;

class TimeoutError extends Error {}

const retrieve = weave.op(({ k }) => DOCUMENTS.slice(0, k), { name: 'retrieve' });

const chat = weave.op(async ({ model, messages }) => {
  const [message, usage] = messages.includes(DECISION)
    ? [REPLY, { prompt_tokens: 200, completion_tokens: 50, total_tokens: 250 }]
    : [DECISION, { prompt_tokens: 120, completion_tokens: 30, total_tokens: 150 }];
  return { model, choices: [{ message }], usage };
}, { name: 'chat', kind: 'llm' });

const trackParcel = weave.op(async (_) => {
  throw new TimeoutError('the carrier did not answer');
}, { name: 'track_parcel', kind: 'tool', inputs: (parcel) => ({ parcel }) });

const readLabel = weave.op((_) => ({ text: 'II I' }), { name: 'read_label' });

const checkRow = weave.op((_) => ({ match: true }), { name: 'check_row' });

/** What the agent does, inside its call. */
async function answer(client, { lookupOrder, config, orders }) {
  retrieve({ query: QUESTION, k: 2 });
  await chat({ model: MODEL, messages: [SYSTEM, USER] });
  client.logCall(lookupOrder, { order_id: 9007199254740993n, config }, { city: 'Köln' }, { kind: 'tool' });
  await weave.withThread('carrier-7', () => trackParcel('00340434161094042557')).catch(() => {});
  readLabel({ label: client.storeImage('png', LABEL) });
  checkRow({ row: client.rowRef(orders, ORDERS[0]) });
  client.logCall('echo', weave.rawJson(ODD));
  await chat({ model: MODEL, messages: [SYSTEM, USER, DECISION] });
}

/** The whole session; the id of the agent's call. */
async function session(client) {
  const published = {
    lookupOrder: client.publishOp('lookup_order', LOOKUP),
    config: client.publishObject('agent-config', CONFIG),
    orders: client.publishDataset('orders', ORDERS),
  };
  client.addCost(MODEL, 0.00000015, 0.0000006);
  client.logCall('warm_up', { ready: true }, 'ok');
  client.startCall('watch', { queue: 'support' });

  const agent = client.startCall('agent', { question: QUESTION }, {
    kind: 'agent', attributes: { env: 'demo' }, threadId: 'session-42',
  });
  await agent.run(() => answer(client, published));
  agent.end({ answer: ANSWER });

  agent.setDisplayName('Parcel question 📦');
  client.addReaction(agent, '👍');
  client.addNote(agent, 'Right answer, slow carrier.');
  client.addFeedback(agent, 'quality', { score: 0.9 });
  return agent.id;
}

async function main() {
  const [offlineDir, project] = process.argv.slice(2);
  if (!project) throw new Error(`usage: ${process.argv[1]} OFFLINE_DIR PROJECT`);
  const root = await session(weave.init(project, { offline: true, offlineDir }));
  await weave.finish();
  console.log(root);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
