// The servers that the receiver is measured against: `node peers.js read|minimal|express PORT`. None stores anything.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.env.MO_SECRET ?? 'bench-secret';

const SERVERS = {
  /** Reads the body and says ok. */
  read: () =>
    createServer((request, response) => {
      collect(request, () => response.end('ok'));
    }),
  /** Reads the body, checks the HMAC, parses the JSON: the least a receiver can do. */
  minimal: () =>
    createServer((request, response) => {
      collect(request, (body) => {
        const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
        const given = Buffer.from(request.headers['x-mo-signature'] ?? '');
        if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
          response.statusCode = 400;
          return response.end('Invalid signature');
        }
        JSON.parse(body.toString());
        response.end('ok');
      });
    }),
  /** The platform article's own sample. */
  express: async () => {
    const { default: express } = await import('express');
    const app = express();
    app.use(express.json());
    app.post('/notify', (request, response) => {
      const payload = JSON.stringify(request.body);
      const expected = `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}`;
      if (request.headers['x-mo-signature'] !== expected)
        return response.status(400).send('Invalid signature');
      response.status(200).send('ok');
    });
    return createServer(app);
  },
};

function collect(request, then) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => then(Buffer.concat(chunks)));
}

const server = await SERVERS[process.argv[2]]();
server.listen(0, '127.0.0.1', () => console.log(`Ready http://127.0.0.1:${server.address().port}`));
