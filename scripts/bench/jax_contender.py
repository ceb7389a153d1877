"""JAX, jitted, with flax and optax. Variant: jit."""
from contender import batch, images, model_name, serve, what
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn


def pool(x):
    b, h, w, c = x.shape  # the same result as nn.max_pool, with a far cheaper gradient on CPU
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, c).max((2, 4))


class Net(nn.Module):
    @nn.compact
    def __call__(self, x, train=False):
        conv = lambda n, padding, x: nn.relu(nn.Conv(n, (3, 3), padding=padding)(x))
        flat = lambda x: x.reshape(len(x), -1)
        if model_name == "mlp":
            return nn.Dense(10)(nn.relu(nn.Dense(128)(flat(x))))
        if model_name == "cnn":
            return nn.Dense(10)(flat(pool(conv(64, "VALID", pool(conv(32, "VALID", x))))))
        x = pool(conv(64, "SAME", conv(64, "SAME", x)))
        x = pool(conv(128, "SAME", conv(128, "SAME", x)))
        x = nn.Dropout(.5, deterministic=not train)(nn.relu(nn.Dense(256)(flat(x))))
        return nn.Dense(10)(x)


x, y = images()
net, opt, key = Net(), optax.adam(1e-3), jax.random.key(0)
params = jax.jit(net.init)(key, jnp.asarray(x[:1]))
state = (params, jax.jit(opt.init)(params), jnp.zeros((), jnp.int32))


def train_step(state, x, y):
    params, s, n = state

    def loss_fn(p):
        out = net.apply(p, x, train=True, rngs={"dropout": jax.random.fold_in(key, n)})
        return optax.softmax_cross_entropy_with_integer_labels(out, y).mean(), out

    (loss, out), g = jax.value_and_grad(loss_fn, has_aux=True)(params)
    up, s = opt.update(g, s, params)
    return (optax.apply_updates(params, up), s, n + 1), loss, (out.argmax(1) == y).sum()


compiled = jax.jit(train_step, donate_argnums=0)


def train(x, y):
    global state
    state, loss, right = compiled(state, x, y)
    return loss, right


def epoch():
    results, order = [], np.random.permutation(len(x))
    for i in range(0, len(x) - batch + 1, batch):
        results.append(train(x[order[i:i + batch]], y[order[i:i + batch]]))
    jax.block_until_ready((state, results))


batches = [(jnp.asarray(x[i * batch:(i + 1) * batch]), jnp.asarray(y[i * batch:(i + 1) * batch]))
           for i in range(min(200, len(x) // batch))]
rows = jnp.asarray(x[:1 if what == "predict-one" else 10000])
parts = [rows[i:i + batch] for i in range(0, len(rows), batch)]
infer = jax.jit(lambda params, x: jax.nn.softmax(net.apply(params, x, train=False)))


def forward_only():
    np.concatenate([np.asarray(out) for out in [infer(state[0], part) for part in parts]])


serve(f"JAX {jax.__version__}", lambda b: train(*b)[0].block_until_ready(), epoch, batches, forward_only)
