// Logs numbered messages through winston-loki, which sends protobuf with snappy.
const winston = require('winston');
const LokiTransport = require('winston-loki');

const [url, count] = process.argv.slice(2);
const transport = new LokiTransport({
  host: url,
  labels: { app: 'shop' },
  json: false,
  batching: true,
  interval: 1,
  replaceTimestamp: true,
  format: winston.format.simple(),
  onConnectionError: (error) => { console.error(error); process.exit(1); },
});
const logger = winston.createLogger({ level: 'info', transports: [transport] });
for (let n = 0; n < Number(count); ++n) logger.info('event ' + n);
transport.flush().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
