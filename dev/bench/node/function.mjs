// A minimal function on Node.js: the two clients that starting a replay takes, made before the first event, and as much
// of a runtime as it takes to ask for one.
import http from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";

export const clients = [new S3Client({}), new SFNClient({})];

const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

function call(method, url, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const event = await call("GET", `${base}/next`);
  await call("POST", `${base}/${event.headers["lambda-runtime-aws-request-id"]}/response`, event.body);
}
