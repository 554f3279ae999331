// Runs the fuzzer's entry point on a small corpus and random changes of it, in every build.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <protozero/pbf_writer.hpp>

#include "net/parse/otlp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr const char* kOtlpJson =
    R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},)"
    R"("scopeLogs":[{"scope":{"name":"n"},"logRecords":[{"timeUnixNano":"17","severityNumber":9,)"
    R"("traceId":"5b8efff798038103d269b633813fc60c","body":{"kvlistValue":{"values":[)"
    R"({"key":"m","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}}]}},"attributes":[)"
    R"({"key":"d","value":{"doubleValue":0.5}},{"key":"m","value":{"bytesValue":"aGk="}}]}]}]}]})";

std::string loki_protobuf() {
  std::string body;
  protozero::pbf_writer request(body);
  protozero::pbf_writer stream(request, 1);
  stream.add_string(1, "{a=\"\\n\", b=`c`}");
  protozero::pbf_writer entry(stream, 2);
  {
    protozero::pbf_writer time(entry, 1);
    time.add_int64(1, 1'700'000'000);
  }
  entry.add_string(2, "line");
  protozero::pbf_writer pair(entry, 3);
  pair.add_string(1, "m");
  pair.add_string(2, "v");
  return body;
}

void feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

TEST_CASE("parsers: changed and truncated input never breaks an invariant", "[net][fuzz]") {
  const std::vector<std::string> corpus = {
      "",
      "m,a=b,c=d f=1,g=2i,h=\"x y\",i=t 1700000000000000000\n",
      "m f=\"a\nb\\\"c\\\\\" 5\nm f=\"open\nm f=1\n",
      "m\\ x,t\\,=v\\=w k\\ =1e5,l=18446744073709551615u\r\n# comment \"\n\n",
      "{\"a\":1,\"b\":{\"c\":[1,{\"d\":null}],\"e\":\"\\u00e9\\n\"},\"time\":\"2023-11-14T22:13:"
      "20Z\"}\n",
      "{\"name\":\"cpu\",\"tags\":{\"h\":\"x\"},\"fields\":{\"v\":-1.5e3},\"timestamp\":1700000000}"
      "\n",
      "time,measurement,service,n\r\n2026-11-24T10:00:00Z,m,\"a \"\"b\"\", "
      "c\",1.5\r\n,m,\"two\nlines\",x\r\n",
      "#measurement,time,i64 time,f64 field,string "
      "tag base64\nmeasurement,time,n,base64:/w==,s\nm,1,5,nan,AA==\n",
      "{\"tocsin_columns\":{\"m\":{\"x\":\"f64 field\",\"base64:/w==\":\"string tag\"}}}\n"
      "{\"measurement\":\"m\",\"time\":\"1970-01-01\",\"x\":\"nan:fff8000000000000\",\"base64:/"
      "w==\":\"\\u0001\"}\n",
      "{\"a\":1,\"a\":{\"b\":true},\"a\":\"\xff\xfe\"}\n{\"a\":[[[[]]]]}",
      R"({"streams":[{"stream":{"a":"b"},"values":[["1","x"],["17","y",{"m":"\ud800","n":1.5}]]}]})",
      "{\"index\":{\"_index\":\"a-2026.11.30\",\"_id\":\"1\"}}\n{\"n\":1}\n{\"delete\":{}}\n",
      "ts=2026-11-02T08:15:04Z level=info msg=\"a \\\"b\\u00e9\" n=1 ok x=null\npanic: x\n",
      "2026-11-02T08:15:04Z stdout P {\"a\":1,\n2026-11-02T08:15:04Z stdout F \"b\":\"x\"}\n",
      "{\"log\":\"a=1 b=\\\"c\\\"\\n\",\"stream\":\"stderr\",\"attrs\":{\"t\":\"x\"},"
      "\"time\":\"2026-11-02T08:15:04Z\"}\n",
      "h - u [02/Nov/2026:08:15:04 +0100] \"GET /\\x41 HTTP/1.1\" 200 1 \"-\" \"a\\\"\" 0.1\n",
      "<34>1 2003-10-11T22:14:15.003Z h su 7 ID [a@1 k=\"v\\\"\"][b] \xEF\xBB\xBFm\n",
      "32 <13>Nov 24 10:00:00 h a[1]: {\"n\":1}\n<189>29: *Mar  1 18:46:11: %SYS-5-X: y\n9 <1>\n",
      kOtlpJson,
      *tocsin::otlp_json_to_protobuf(kOtlpJson),
      loki_protobuf(),
  };
  const unsigned seed = 7;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string_view spice("\"\\\n\r ,={}[]:#0i\xff\0", 18);
  for (const std::string& text : corpus) {
    for (size_t cut = 0; cut <= text.size(); ++cut) feed(text.substr(0, cut));
    for (int round = 0; round < 300 && !text.empty(); ++round) {
      std::string changed = text;
      for (unsigned n = 1 + random() % 4; n > 0; --n) {
        changed[random() % changed.size()] = spice[random() % spice.size()];
      }
      feed(changed + corpus[random() % corpus.size()]);
    }
  }
}

}  // namespace
