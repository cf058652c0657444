// A role that may read one bucket reads it, and is refused another. With Jest,
// `test` and `expect` are globals; the clients are the same.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";

const statement = (body) => JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow", ...body } });
const trust = statement({ Principal: { AWS: "arn:aws:iam::123456789012:root" }, Action: "sts:AssumeRole" });
const read = statement({ Action: "s3:GetObject", Resource: "arn:aws:s3:::js-reports/*" });

let reader;

before(async () => {
  // An administrator: root assumes no role.
  const root = new IAMClient();
  await root.send(new CreateUserCommand({ UserName: "js-admin" }));
  await root.send(
    new AttachUserPolicyCommand({ UserName: "js-admin", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }),
  );
  const { AccessKey } = await root.send(new CreateAccessKeyCommand({ UserName: "js-admin" }));
  const credentials = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };

  const iam = new IAMClient({ credentials });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: "js-reader", AssumeRolePolicyDocument: trust }));
  await iam.send(new PutRolePolicyCommand({ RoleName: "js-reader", PolicyName: "read", PolicyDocument: read }));
  const s3 = new S3Client({ credentials, forcePathStyle: true });
  for (const Bucket of ["js-reports", "js-salaries"]) {
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "may.csv", Body: "1,2,3" }));
  }
  const { Credentials } = await new STSClient({ credentials }).send(
    new AssumeRoleCommand({ RoleArn: Role.Arn, RoleSessionName: "test" }),
  );
  reader = new S3Client({
    forcePathStyle: true,
    credentials: {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    },
  });
});

test("reads what its policy names", async () => {
  const object = await reader.send(new GetObjectCommand({ Bucket: "js-reports", Key: "may.csv" }));
  assert.equal(await object.Body.transformToString(), "1,2,3");
});

test("is refused everything else", async () => {
  await assert.rejects(reader.send(new GetObjectCommand({ Bucket: "js-salaries", Key: "may.csv" })), (error) => {
    assert.equal(error.name, "AccessDenied");
    assert.equal(error.$metadata.httpStatusCode, 403);
    return true;
  });
});
