// The page: a field for the token, and GraphiQL below it.
import { GraphiQL } from 'graphiql';
import { useCallback, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/graphiql.css';
import './console.css';
import { createFetcher } from './fetcher.js';

const KEY = 'bangfu:token';
const SESSION = 'bangfu:session';
const QUERY = `# 令牌属于谁，系统的今日是哪天。
# Whose token this is, and what day the system takes today to be.
# Ctrl+Enter: 运行 run · Ctrl+Space: 补全 complete
{
  viewer {
    name
    today
  }
}
`;
const NO_TOKEN = '请先登录或输入令牌 · Log in or enter a token first';

// No script can read the session's cookie: logging in leads here with a mark that there is one.
if (location.hash === '#session') {
  sessionStorage.setItem(SESSION, 'yes');
  sessionStorage.removeItem(KEY);
  history.replaceState(null, '', location.pathname);
}

// What is typed here may name households: it stays in this tab and goes with it.
const storage = {
  getItem: key => sessionStorage.getItem(key),
  setItem: (key, value) => sessionStorage.setItem(key, value),
  removeItem: key => sessionStorage.removeItem(key),
  get length() {
    return sessionStorage.length;
  },
  clear() {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith('graphiql:')) sessionStorage.removeItem(key);
  },
};

function describe(status, message) {
  if (status === 0) return `无法连接服务器 · No answer from the server (${message})`;
  if (status === 401) return '401 令牌无效或登录已失效 · The token is not valid, or you are logged out';
  if (status === 403) return '403 无权限 · Not allowed';
  return status < 400 ? '已连接 · Connected' : `HTTP ${status} ${message}`.trim();
}

function Console() {
  const [token, setToken] = useState(() => sessionStorage.getItem(KEY) ?? '');
  const [typed, setTyped] = useState(token);
  const session = sessionStorage.getItem(SESSION) !== null;
  const [status, setStatus] = useState(token || session ? '' : NO_TOKEN);
  const report = useCallback((code, message) => setStatus(describe(code, message)), []);
  const fetcher = useMemo(() => createFetcher(token, report), [token, report]);

  const apply = event => {
    event.preventDefault();
    const entered = typed.trim().replace(/^Bearer\s+/i, '');
    if (entered) sessionStorage.setItem(KEY, entered);
    else sessionStorage.removeItem(KEY);
    setTyped(entered);
    setToken(entered);
    if (!entered) setStatus(session ? '' : NO_TOKEN);
  };

  return (
    <>
      <form className="bangfu-bar" onSubmit={apply}>
        <strong>Bangfu 帮扶 GraphQL</strong>
        <label>
          令牌 Token
          <input
            type="password"
            name="token"
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={event => setTyped(event.target.value)}
          />
        </label>
        <button type="submit">应用 Apply</button>
        <output>{status}</output>
        {session ? (
          <button type="submit" form="bangfu-logout" onClick={() => sessionStorage.removeItem(SESSION)}>
            退出 Log out
          </button>
        ) : (
          <a href="/login">登录 Log in</a>
        )}
      </form>
      <form id="bangfu-logout" method="post" action="/logout" />
      <GraphiQL
        fetcher={fetcher}
        // null: ask for no schema; undefined: ask the server
        schema={token || session ? undefined : null}
        inputValueDeprecation
        schemaDescription
        defaultQuery={QUERY}
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
        storage={storage}
      >
        <GraphiQL.Logo> </GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

createRoot(document.getElementById('console')).render(<Console />);
