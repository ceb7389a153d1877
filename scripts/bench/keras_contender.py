"""Keras 3 on TensorFlow: its own train_step in a graph, in a plain loop. Variants: graph, jit."""
import os
from contender import batch, images, model_name, serve, threads, variant, what

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
import keras
from keras import layers as L

tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
keras.utils.set_random_seed(0)


def conv(n, padding):
    return L.Conv2D(n, 3, padding=padding, activation="relu")


x, y = images()
model = keras.Sequential([keras.Input(x.shape[1:]), *{
    "cnn": lambda: [conv(32, "valid"), L.MaxPooling2D(), conv(64, "valid"), L.MaxPooling2D(), L.Flatten(),
                    L.Dense(10, activation="softmax")],
    "mlp": lambda: [L.Flatten(), L.Dense(128, activation="relu"), L.Dense(10, activation="softmax")],
    "wide": lambda: [conv(64, "same"), conv(64, "same"), L.MaxPooling2D(), conv(128, "same"), conv(128, "same"),
                     L.MaxPooling2D(), L.Flatten(), L.Dense(256, activation="relu"), L.Dropout(.5),
                     L.Dense(10, activation="softmax")],
}[model_name]()])
jit = variant == "jit"
model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
model.optimizer.build(model.trainable_variables)
x, y = tf.constant(x), tf.constant(y)
step = tf.function(model.train_step, jit_compile=jit)
gathered = tf.function(lambda i: model.train_step((tf.gather(x, i), tf.gather(y, i))), jit_compile=jit)


def epoch():
    model.reset_metrics()
    for i in tf.split(tf.random.shuffle(tf.range(len(x))), len(x) // batch):
        gathered(i)
    return model.metrics[0].result().numpy()


gathered(tf.range(batch))
batches = [(x[i * batch:(i + 1) * batch], y[i * batch:(i + 1) * batch]) for i in range(min(200, len(x) // batch))]
rows, labels = (t[:1 if what == "predict-one" else 10000] for t in (x, y))
infer = tf.function(lambda part: model(part, training=False), jit_compile=jit)


def forward_only():
    if what == "evaluate":
        model.evaluate(rows, labels, batch_size=batch, verbose=0)
    else:
        tf.concat([infer(rows[i:i + batch]) for i in range(0, len(rows), batch)], 0).numpy()


serve(f"Keras {keras.__version__}, TensorFlow {tf.__version__} {variant}", lambda b: step(b)["loss"].numpy(), epoch,
      batches, forward_only)
