// The npm client `redis` against a server whose URL is in REDIS_URL: search, JSON, transactions, pub/sub, both protocols.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { createClient } from "redis";

const vector = (...values) => Buffer.from(new Float32Array(values).buffer);

const SCHEMA = {
  brand: { type: "TAG" },
  price: { type: "NUMERIC" },
  title: { type: "TEXT" },
  v: { type: "VECTOR", ALGORITHM: "HNSW", TYPE: "FLOAT32", DIM: 2, DISTANCE_METRIC: "L2" },
};

for (const RESP of [2, 3]) {
  describe(`RESP${RESP}`, () => {
    let client;

    before(async () => {
      client = createClient({ url: process.env.REDIS_URL, RESP });
      await client.connect();
    });
    after(() => client.close());

    beforeEach(async () => {
      await client.flushAll();
      await client.ft.create("products", SCHEMA, { ON: "HASH", PREFIX: "p:" });
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          client.hSet(`p:${n}`, { brand: "ab"[n % 2], price: String(n), title: `shoe ${n}`, v: vector(n, 0) }),
        ),
      );
    });

    it("finds the nearest under a filter", async () => {
      const found = await client.ft.search("products", "(@brand:{a} @price:[5 100])=>[KNN 3 @v $q AS d]", {
        PARAMS: { q: vector(0, 0) },
        SORTBY: "d",
        RETURN: ["d", "brand"],
        DIALECT: 2,
      });
      assert.equal(found.total, 3);
      assert.deepEqual(
        found.documents.map(({ id, value }) => [id, value.brand, value.d]),
        [["p:6", "a", "36"], ["p:8", "a", "64"], ["p:10", "a", "100"]],
      );
    });

    it("sees, in one pipeline, what was written before and not what is written behind", async () => {
      const [, during, , after] = await Promise.all([
        client.hSet("p:new", { title: "boot" }),
        client.ft.search("products", "boot"),
        client.hSet("p:newer", { title: "boot" }),
        client.ft.search("products", "boot"),
      ]);
      assert.equal(during.total, 1);
      assert.equal(after.total, 2);
    });

    it("answers searches in a transaction at their places", async () => {
      const [set, found, value] = await client
        .multi()
        .set("x", "1")
        .addCommand(["FT.SEARCH", "products", "shoe", "NOCONTENT", "LIMIT", "0", "0"])
        .get("x")
        .exec();
      assert.equal(set, "OK");
      assert.equal(value, "1");
      assert.ok(JSON.stringify(found).includes("20"));
    });

    it("describes the index and lists it", async () => {
      assert.equal((await client.ft.search("products", "*")).total, 20);
      const info = await client.ft.info("products");
      assert.equal(String(info.num_docs), "20");
      assert.deepEqual([...(await client.ft._list())], ["products"]);
    });

    it("rejects an unknown index with RediSearch's text and goes on", async () => {
      await assert.rejects(client.ft.search("nope", "x"), /No such index nope/i);
      assert.equal(await client.ping(), "PONG");
    });

    it("stores and indexes JSON", async () => {
      await client.ft.create("docs", { "$.name": { type: "TEXT", AS: "name" } }, { ON: "JSON", PREFIX: "j:" });
      await client.json.set("j:1", "$", { name: "blue jeans", sizes: [1, 2] });
      assert.deepEqual(await client.json.get("j:1", { path: "$.sizes" }), [[1, 2]]);
      const found = await client.ft.search("docs", "@name:jeans");
      assert.deepEqual(found.documents.map(({ id }) => id), ["j:1"]);
    });

    it("publishes and subscribes", async () => {
      const subscriber = client.duplicate();
      await subscriber.connect();
      const heard = new Promise((resolve) => subscriber.subscribe("news", resolve).then(() => client.publish("news", "hi")));
      assert.equal(await heard, "hi");
      await subscriber.close();
    });
  });
}
