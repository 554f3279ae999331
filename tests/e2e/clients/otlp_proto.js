require('./otlp')(require('@opentelemetry/exporter-logs-otlp-proto').OTLPLogExporter);
