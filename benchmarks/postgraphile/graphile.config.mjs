// PostGraphile as its authors recommend it for production, with plain lists, behind the same walls as Bangfu:
// the app's role, and the scope of one officer set in each transaction.
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { host, port, user, database, pool, listen, scope } = JSON.parse(process.env.BENCH);

export default {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      poolConfig: { host, port, user, database, max: pool },
      schemas: ["public"],
      pubsub: false,
      pgSettings: () => scope,
    }),
  ],
  gather: { installWatchFixtures: false },
  schema: { defaultBehavior: "-connection +list -insert -update -delete" },
  grafserv: { host: "127.0.0.1", port: listen, graphqlPath: "/graphql", graphiql: false, websockets: false },
};
