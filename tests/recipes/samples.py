"""What each generator writes about one and the same picture of a fox."""

import json

PROMPT, AGAINST = "a red fox in the snow, golden hour", "blurry, text"

A1111 = (
    f"{PROMPT} <lora:foxes:0.8>\nNegative prompt: {AGAINST}\n"
    "Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7.5, Seed: 123, Size: 512x768, "
    'Model hash: abc123, Model: foxModel, VAE: "fox, vae.pt", Denoising strength: 0.4, Clip skip: 2, '
    'Hashes: {"model": "abc123", "vae": "1:2, 3"}, Version: v1.10.0'
)

COMFY_GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": ["12", 0], "steps": 25, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 0.75,
        "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "fox.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": AGAINST, "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "fox", "images": ["8", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "foxes.safetensors", "model": ["4", 0]}},
    "11": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": PROMPT}},
    "12": {"class_type": "PrimitiveInt", "inputs": {"value": 123}},
    "13": {"class_type": "LoadImage", "inputs": {"image": "sketch.png", "upload": "image"}},
}  # fmt: skip
COMFY_WORKFLOW = {
    "nodes": [
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": [PROMPT]},
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": [AGAINST]},
        {"id": 3, "type": "KSampler", "widgets_values": [123, "fixed", 25, 6.5, "dpmpp_2m", "karras", 0.75]},
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["fox.safetensors"]},
        {"id": 13, "type": "LoadImage", "widgets_values": ["sketch.png", "image"]},
    ],
    "links": [],
}
FLUX_GRAPH = {
    "1": {"class_type": "SamplerCustomAdvanced", "inputs": {
        "noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["9", 0]}},
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 123}},
    "3": {"class_type": "BasicGuider", "inputs": {"model": ["6", 0], "conditioning": ["7", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple",
        "steps": 25, "denoise": 1, "model": ["6", 0]}},
    "6": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux-fox.safetensors"}},
    "7": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["8", 0]}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": PROMPT}},
    "9": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 512, "height": 768}},
    "10": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}  # fmt: skip

INVOKEAI = {
    "generation_mode": "txt2img", "positive_prompt": PROMPT, "negative_prompt": AGAINST, "width": 512, "height": 768,
    "seed": 123, "cfg_scale": 7.5, "steps": 20, "scheduler": "euler_a", "app_version": "5.0",
    "model": {"key": "k", "hash": "blake3:abc", "name": "fox", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"name": "foxes"}, "weight": 0.8}],
}  # fmt: skip
INVOKEAI_OLDER = {
    "model_weights": "fox-1.5", "model_hash": "abc", "app_version": "2.3",
    "image": {"prompt": [{"prompt": f"{PROMPT} [{AGAINST}]", "weight": 1.0}], "steps": 20, "cfg_scale": 7.5,
              "seed": 123, "width": 512, "height": 768, "sampler": "k_euler_a"},
}  # fmt: skip
INVOKEAI_OLDEST = f'"{PROMPT} [{AGAINST}]" -s 20 -S 123 -W 512 -H 768 -C 7.5 -A k_euler_a'

NOVELAI_COMMENT = {
    "prompt": PROMPT, "uc": AGAINST, "steps": 20, "scale": 7.5, "seed": 123, "sampler": "k_euler_ancestral",
    "width": 512, "height": 768, "strength": 0.7, "noise": 0.2,
}  # fmt: skip
NOVELAI = {
    "Title": "AI generated image", "Description": PROMPT, "Software": "NovelAI",
    "Source": "Stable Diffusion XL C1E1DE52",
    "Comment": json.dumps(NOVELAI_COMMENT),
}  # fmt: skip

FOOOCUS = {
    "prompt": PROMPT, "negative_prompt": AGAINST, "base_model": "juggernaut", "base_model_hash": "abc", "steps": 20,
    "guidance_scale": 7.5, "seed": "123", "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "sharpness": 2.0,
    "resolution": "(512, 768)", "loras": [["foxes", 0.8, "hash"]], "styles": "['Fooocus V2']",
    "version": "Fooocus v2.5",
}  # fmt: skip
SWARMUI = {
    "sui_image_params": {
        "prompt": PROMPT, "negativeprompt": AGAINST, "model": "fox", "seed": 123, "steps": 20, "cfgscale": 7.5,
        "width": 512, "height": 768, "sampler": "euler", "swarm_version": "0.9",
    }
}  # fmt: skip
EASY_DIFFUSION = {
    "prompt": PROMPT, "negative_prompt": AGAINST, "seed": "123", "num_inference_steps": "20", "guidance_scale": "7.5",
    "use_stable_diffusion_model": "fox", "width": "512", "height": "768", "sampler_name": "euler_a",
}  # fmt: skip
DRAW_THINGS = {
    "c": PROMPT, "uc": AGAINST, "model": "fox.ckpt", "sampler": "Euler A", "scale": 7.5, "seed": 123, "steps": 20,
    "size": "512x768", "strength": 1,
}  # fmt: skip
MIDJOURNEY = f"{PROMPT} --ar 2:3 --no blurry, text --seed 123 --v 6.1 Job ID: 01234567-89ab-cdef-0123-456789abcdef"
