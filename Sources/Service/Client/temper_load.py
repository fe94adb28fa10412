"""A checkpoint of Temper as a PyTorch module: pixels in [0, 1] in, logits out; its normalisation and preprocessing are part of it.

    curl -O $TEMPER_SERVER/client/temper_load.py        # needs torch and safetensors
    model = load("best_robust.safetensors")             # images [n, channels, height, width], or rows [n, features]

resnet18 and mobilenet_v2 need torchvision, efficientnet_lite0 and vit_tiny timm; jpeg needs pillow and numpy. Gradients go through
preprocessing as Temper's attacks see it. Of a network that came as ONNX, take the ONNX: temper download JOB --format onnx.
"""
import io, json
import torch, torch.nn.functional as F
from safetensors import safe_open
from torch import nn

class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__(); self.body, self.shortcut = body, shortcut
    def forward(self, x): return self.body(x) + self.shortcut(x)

class GlobalPool(nn.Module):
    def forward(self, x): return x.mean((2, 3))

class HardSigmoid(nn.Module):
    def __init__(self, slope, offset):
        super().__init__(); self.slope, self.offset = slope, offset
    def forward(self, x): return (self.slope * x + self.offset).clamp(0, 1)

class ChannelNorm(nn.LayerNorm):  # over the channels, of an image too
    def forward(self, x): return super().forward(x.movedim(1, -1)).movedim(-1, 1)

PLAIN = {"relu": nn.ReLU, "relu6": nn.ReLU6, "gelu": nn.GELU, "silu": nn.SiLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
         "hard_swish": nn.Hardswish, "global_avg_pool": GlobalPool, "flatten": nn.Flatten}

def layer(fields, shape):
    kind, get = fields["type"], fields.get
    if kind in PLAIN: return PLAIN[kind]()
    if kind == "conv": return nn.Conv2d(shape[0], get("filters"), get("kernel"), get("stride", 1), get("padding", 0), get("dilation", 1), get("groups", 1), get("bias", True))
    if kind == "linear": return nn.Linear(shape[0], get("units"), get("bias", True))
    if kind == "max_pool": return nn.MaxPool2d(get("size"), get("stride") or get("size"), get("padding", 0))
    if kind == "avg_pool": return nn.AvgPool2d(get("size"), get("stride") or get("size"), get("padding", 0))
    if kind == "batch_norm": return (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0], get("eps", 1e-5), get("momentum", 0.1))
    if kind == "layer_norm": return ChannelNorm(shape[0], get("eps", 1e-5))
    if kind == "hard_sigmoid": return HardSigmoid(get("slope", 1 / 6), get("offset", 0.5))
    if kind == "leaky_relu": return nn.LeakyReLU(get("slope", 0.01))
    if kind == "dropout": return nn.Dropout(get("rate", 0.5))
    if kind == "residual": return Residual(sequential(fields["layers"], shape), sequential(get("shortcut") or [], shape))
    raise ValueError(f"no layer {kind} here: take the ONNX instead")

def sequential(layers, shape):
    made = nn.Sequential()
    for fields in layers:
        made.append(layer(fields, shape))
        shape = made[-1].eval()(torch.zeros(1, *shape)).shape[1:]
    return made

class PreActBlock(nn.Module):  # He et al. 2016, arXiv:1603.05027
    def __init__(self, inputs, filters, stride, shortcut, projected):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(filters)
        self.conv1, self.conv2 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False), nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.side = shortcut if projected else None
        if projected:
            conv = nn.Conv2d(inputs, filters, 1, stride, bias=False)
            setattr(self, shortcut, nn.Sequential(conv) if shortcut == "shortcut" else conv)
    def forward(self, x):
        y = F.relu(self.bn1(x))
        return (getattr(self, self.side)(y) if self.side else x) + self.conv2(F.relu(self.bn2(self.conv1(y))))

class PreActNet(nn.Module):
    def __init__(self, stem, stages, blocks, names, channels, classes):
        super().__init__()
        self.names, shortcut, width = names, "shortcut" if names[0] == "layer" else "convShortcut", stem
        self.conv1 = nn.Conv2d(channels, stem, 3, 1, 1, bias=False)
        for number, filters in enumerate(stages, 1):
            row = nn.Sequential()
            for block in range(blocks):
                stride = 2 if number > 1 and block == 0 else 1
                row.append(PreActBlock(width, filters, stride, shortcut, width != filters or stride > 1)); width = filters
            if names[0] == "block": row = nn.ModuleDict({"layer": row})
            setattr(self, f"{names[0]}{number}", row)
        setattr(self, names[1], nn.BatchNorm2d(width)); setattr(self, names[2], nn.Linear(width, classes)); self.stages = len(stages)
    def forward(self, x):
        x = self.conv1(x)
        for number in range(1, self.stages + 1):
            row = getattr(self, f"{self.names[0]}{number}")
            x = (row["layer"] if isinstance(row, nn.ModuleDict) else row)(x)
        return getattr(self, self.names[2])(F.relu(getattr(self, self.names[1])(x)).mean((2, 3)))

def preset(fields, image, classes):
    name, channels = fields["architecture"], image[2]
    if name == "preact_resnet18": return PreActNet(fields["width"], [fields["width"] << n for n in range(4)], 2, ("layer", "bn", "linear"), channels, classes)
    if name == "wide_resnet": return PreActNet(16, [16 * fields["width"] << n for n in range(3)], (fields["depth"] - 4) // 6, ("block", "bn1", "fc"), channels, classes)
    if name == "mobilenet_v2" and channels == 3:
        from torchvision.models import mobilenet_v2
        return mobilenet_v2(num_classes=classes, dropout=fields["dropout"])
    if name == "resnet18":
        from torchvision.models.resnet import BasicBlock, ResNet
        class Narrow(ResNet):
            def _make_layer(self, block, planes, *rest, **more):
                if planes == 64: self.inplanes = fields["width"]
                return super()._make_layer(block, planes * fields["width"] // 64, *rest, **more)
        large, width = fields["stem"] == "imagenet" or fields["stem"] == "auto" and min(image[:2]) >= 64, fields["width"]
        net = Narrow(BasicBlock, [2, 2, 2, 2])
        net.conv1, net.bn1 = nn.Conv2d(channels, width, 7 if large else 3, 2 if large else 1, 3 if large else 1, bias=False), nn.BatchNorm2d(width)
        net.maxpool, net.fc = net.maxpool if large else nn.Identity(), nn.Linear(8 * width, classes)
        return net
    import timm
    if name == "efficientnet_lite0": return timm.create_model(name, num_classes=classes, in_chans=channels)
    if name == "vit_tiny": return timm.models.VisionTransformer(img_size=tuple(image[:2]), patch_size=fields["patch"] or (16 if min(image[:2]) >= 64 else 4), in_chans=channels, num_classes=classes, embed_dim=fields["width"], depth=fields["depth"], num_heads=fields["heads"])
    raise ValueError(f"no network {name} here: take the ONNX instead")

def jpeg(x, quality=75):
    import numpy as np
    from PIL import Image
    def one(image):
        pixels, stream = (image.permute(1, 2, 0) * 255).round().byte().cpu().numpy(), io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(stream, "jpeg", quality=quality, subsampling=0)
        return torch.from_numpy(np.array(Image.open(stream)).reshape(pixels.shape)).permute(2, 0, 1).to(x) / 255
    return x + (torch.stack([one(image) for image in x.detach()]) - x).detach()

def windows(x, radius):  # [n, channels, window, height, width]; the border mirrors the edge pixel too, as often as it has to
    def at(size): return torch.tensor([(i % (2 * size)) if i % (2 * size) < size else 2 * size - 1 - i % (2 * size) for i in range(-radius, size + radius)])
    n, channels, height, width = x.shape
    padded = x[:, :, at(height)][:, :, :, at(width)]
    return F.unfold(padded, 2 * radius + 1).view(n, channels, -1, height, width)

def blur(x, sigma, size=None):
    radius = size // 2 if size else int(4 * sigma + 0.5)
    line = torch.exp(-torch.arange(-radius, radius + 1, dtype=torch.float64) ** 2 / (2 * sigma ** 2))
    kernel = torch.outer(line, line).flatten().to(x) / (line.sum() ** 2).to(x)
    return (windows(x, radius) * kernel[:, None, None]).sum(2)

STEPS = {
    "bit_depth": lambda x, bits: x + ((x * (2 ** bits - 1)).round() / (2 ** bits - 1) - x).detach(),
    "median": lambda x, size=3: windows(x, size // 2).median(2).values,
    "gaussian_blur": blur, "jpeg": jpeg,
    "noise": lambda x, sigma: (x + sigma * torch.randn_like(x)).clamp(0, 1),
}

class Network(nn.Module):
    def __init__(self, net, preprocessing, normalization, classes):
        super().__init__()
        self.net, self.preprocessing, self.class_names = net, preprocessing, classes
        for name in ("mean", "std"):
            values = torch.tensor(normalization.get(name, [0.0 if name == "mean" else 1.0]), dtype=torch.float32)
            self.register_buffer(name, values)
    def forward(self, x):
        for step in self.preprocessing: x = STEPS[step["type"]](x, **{name: value for name, value in step.items() if name != "type"})
        shape = (1, -1, 1, 1) if x.dim() == 4 else (1, -1)
        return self.net((x - self.mean.view(shape)) / self.std.view(shape))

def load(path):
    """The network of a checkpoint, in evaluation mode; every name and shape must fit."""
    with safe_open(path, framework="pt") as file:
        card, weights = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    read = lambda name, default: json.loads(card.get(f"temper.{name}", default))
    image, classes, fields = read("input", "[]"), read("classes", "0"), read("architecture", "{}")
    if not image: raise ValueError(f"{path} has no metadata of Temper")
    shape = tuple(image) if len(image) == 1 else (image[2], image[0], image[1])
    net = sequential(read("layers", "[]"), shape) if "temper.layers" in card else preset(fields, image, classes) if "architecture" in fields else None
    if net is None: raise ValueError("this network came as a graph: take the ONNX instead (temper download JOB --format onnx)")
    missing, unexpected = net.load_state_dict(weights, strict=False)
    wrong = unexpected + [name for name in missing if not name.endswith("num_batches_tracked")]
    if wrong: raise ValueError(f"the weights do not fit: {wrong[:5]}")
    return Network(net, read("preprocessing", "[]"), read("normalization", "{}"), read("class_names", "null")).eval()
