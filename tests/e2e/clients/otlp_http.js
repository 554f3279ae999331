require('./otlp')(require('@opentelemetry/exporter-logs-otlp-http').OTLPLogExporter);
