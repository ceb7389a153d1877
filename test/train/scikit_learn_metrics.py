"""Prints scikit-learn-metrics.json: figures of made-up predictions by scikit-learn, for metrics.test.ts.

pip install scikit-learn numpy && python test/train/scikit_learn_metrics.py > test/train/scikit-learn-metrics.json
"""
import json

import numpy as np
import sklearn
from sklearn import metrics

random = np.random.default_rng(5)
n, classes = 300, 6
labels = random.choice(classes, n, p=[0.4, 0.2, 0.15, 0.13, 0.1, 0.02])
logits = random.normal(size=(n, classes)) + 2.0 * np.eye(classes)[labels]
logits[:, 5] -= 20  # never predicted
p = np.exp(logits)
p = np.round(p / p.sum(1, keepdims=True), 3).astype(np.float32)  # equal scores
p64 = p.astype(np.float64)
said = p.argmax(1)
precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, said, labels=range(classes), zero_division=0)


def average(kind):
    return dict(zip(["precision", "recall", "f1"], metrics.precision_recall_fscore_support(labels, said, labels=range(classes), average=kind, zero_division=0)[:3]))


auc = [metrics.roc_auc_score(labels == c, p64[:, c]) for c in range(classes)]
confidence = p64.max(1)
ece = 0.0
for b in range(15):
    inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
    if inside.any():
        ece += abs((said[inside] == labels[inside]).mean() - confidence[inside].mean()) * inside.mean()
print(json.dumps({
    "scikit-learn": sklearn.__version__,
    "classes": classes,
    "labels": labels.tolist(),
    "probabilities": p64.ravel().tolist(),
    "accuracy": metrics.accuracy_score(labels, said),
    "loss": float(-np.log(np.clip(p64[np.arange(n), labels], 1e-7, 1 - 1e-7)).mean()),
    "topK": {k: metrics.top_k_accuracy_score(labels, p64, k=k, labels=range(classes)) for k in [2, 3, 5]},
    "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
    "macro": average("macro"), "weighted": average("weighted"),
    "confusion": metrics.confusion_matrix(labels, said, labels=range(classes)).tolist(),
    "rocAuc": float(np.mean(auc)),
    "calibrationError": float(ece),
}))
