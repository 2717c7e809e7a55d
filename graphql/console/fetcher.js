// How the page speaks to the server: JSON for queries and mutations, GraphQL over SSE for subscriptions.
import { getOperationAST, parse } from 'graphql';

const ENDPOINT = '/graphql';
const JSON_TYPES = 'application/graphql-response+json, application/json';

/** A fetcher for GraphiQL. `report(status, message)` is told the outcome of every answer; status 0 is no answer. */
export function createFetcher(token, report) {
  const ask = async (params, accept, signal) => {
    try {
      const headers = { 'Content-Type': 'application/json', Accept: accept };
      if (token) headers.Authorization = `Bearer ${token}`;
      else headers['X-Bangfu-Client'] = 'console'; // the session's cookie counts only beside it
      const body = JSON.stringify(params);
      const response = await fetch(ENDPOINT, { method: 'POST', headers, body, signal, cache: 'no-store' });
      report(response.status, response.statusText);
      return response;
    } catch (error) {
      if (!signal?.aborted) report(0, error.message);
      throw problem(error.message);
    }
  };

  return (params, options) => {
    if (isSubscription(params)) return subscribe(signal => ask(params, 'text/event-stream', signal));
    return ask(params, JSON_TYPES).then(answerOf).then(answer => {
      // GraphiQL would ask a second time for a schema it was refused; an error stops it.
      if (!options?.documentAST && params.operationName === 'IntrospectionQuery' && !answer.data)
        throw problem(answer.errors?.[0]?.message ?? 'no schema');
      return answer;
    });
  };
}

// A plain object: GraphiQL prints an Error with its stack.
const problem = message => ({ message });

function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // the server says what is wrong with it
  }
}

async function answerOf(response) {
  const text = await response.text();
  try {
    const answer = JSON.parse(text);
    if (answer && typeof answer === 'object') return answer;
  } catch {
    // not JSON: a gateway or a crash answered
  }
  return { errors: [problem(`HTTP ${response.status} ${response.statusText}`.trim())], text: text.slice(0, 2000) };
}

/** The observable that GraphiQL takes; to unsubscribe is to close the connection. */
function subscribe(open) {
  return {
    subscribe({ next, error, complete }) {
      const abort = new AbortController();
      (async () => {
        const response = await open(abort.signal);
        const type = response.headers.get('Content-Type') ?? '';
        if (!response.ok || !type.startsWith('text/event-stream')) {
          next(await answerOf(response));
          return complete();
        }
        for await (const { event, data } of eventsOf(response.body)) {
          if (event === 'next') next(JSON.parse(data));
          if (event === 'complete') {
            abort.abort();
            return complete();
          }
        }
        throw problem('连接中断，订阅未完成。 The connection ended before the subscription did.');
      })().catch(reason => {
        if (!abort.signal.aborted) error(problem(reason.message));
      });
      return { unsubscribe: () => abort.abort() };
    },
  };
}

/** The events of a text/event-stream: an event is its lines up to an empty one; lines that begin with a colon say nothing. */
export async function* eventsOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    // A carriage return at the end may be the first half of a line end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (event || data.length) yield { event: event || 'message', data: data.join('\n') };
        event = '';
        data = [];
        continue;
      }
      const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (field === 'event') event = text;
      if (field === 'data') data.push(text);
    }
  }
}
