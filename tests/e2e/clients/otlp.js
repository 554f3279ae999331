// Sends numbered log records with one of OpenTelemetry's exporters.
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { Resource } = require('@opentelemetry/resources');

module.exports = async (Exporter) => {
  const [url, count, start] = process.argv.slice(2);
  const provider = new LoggerProvider({ resource: new Resource({ 'service.name': 'shop' }) });
  const exporter = new Exporter({ url: url + '/v1/logs' });
  provider.addLogRecordProcessor(new BatchLogRecordProcessor(exporter, { maxQueueSize: Number(count) + 1 }));
  const logger = provider.getLogger('test');
  for (let n = 0; n < Number(count); ++n) {
    logger.emit({
      timestamp: [Number(start), n],
      severityNumber: 13,
      body: 'event ' + n,
      attributes: { n, ok: true, ratio: 0.5 },
    });
  }
  await provider.shutdown();
};
