// Sends numbered documents with the bulk helper of Elasticsearch's client.
const { Client } = require('@elastic/elasticsearch');

const [url, count, start] = process.argv.slice(2);
const documents = [];
for (let n = 0; n < Number(count); ++n) {
  documents.push({ '@timestamp': new Date(Number(start) * 1000 + n).toISOString(), message: 'event ' + n, n });
}
const client = new Client({ node: url });
client.helpers.bulk({
  datasource: documents,
  flushBytes: 20_000,
  onDocument: () => ({ create: { _index: 'shop-2023.11.14' } }),
  onDrop: (drop) => { console.error(JSON.stringify(drop)); process.exitCode = 1; },
}).then((result) => {
  if (result.successful !== Number(count)) { console.error(result); process.exitCode = 1; }
}, (error) => { console.error(error); process.exitCode = 1; });
